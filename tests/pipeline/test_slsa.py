"""What a model was built from, as SLSA provenance: against the classes of in-toto and the schema of the build."""

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import json_format
from in_toto_attestation.predicates.provenance.v1.provenance_pb2 import Provenance
from in_toto_attestation.v1.statement import Statement
from in_toto_attestation.v1.statement_pb2 import Statement as StatementMessage

from pipeline.claims.slsa import PREDICATE_TYPE, predicate, root_digest, statement, without_names
from pipeline.lineage import pushed_artifact, show
from preprocessing.base.digests import sha256_json
from tests.pipeline.launches import Launches
from tests.pipeline.schemas import document_of

EXAMPLE = Path(__file__).resolve().parents[2] / "docs" / "schemas" / "slsa-build.example.json"


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The lineage of a pushed model."""
    folder = tmp_path_factory.mktemp("pushed")
    (folder / "corpus").mkdir()
    (folder / "corpus" / "one.txt").write_text("One.\n")
    (folder / "pipeline.yaml").write_text(
        "corpus:\n  task: text\n  path: corpus\n  exclude: [Jane Doe]\n"
    )
    launches = Launches(folder / "pipeline.yaml")
    version = str(launches.run("run-1").pushed)
    return show(launches.store, pushed_artifact(launches.store, version))


@pytest.fixture
def shown(template: dict[str, Any]) -> dict[str, Any]:
    """A copy of it."""
    return deepcopy(template)


def judge(document: dict[str, Any]) -> None:
    """By in-toto's own classes, which refuse a field that they do not know, and by the schema of the parameters."""
    message = json_format.ParseDict(document, StatementMessage())
    Statement.copy_from_pb(message).validate()
    provenance = json_format.ParseDict(document["predicate"], Provenance())
    assert provenance.run_details.builder.id
    definition = document["predicate"]["buildDefinition"]
    parameters = {name: definition[name] for name in ("externalParameters", "internalParameters")}
    document_of("slsa-build", json.dumps(parameters))


def test_is_read_by_the_classes_of_in_toto(shown: dict[str, Any]) -> None:
    subject = {"name": "1", "digest": {"sha256": "0" * 64}}
    judge(statement(subject, PREDICATE_TYPE, predicate(shown)))


def test_the_example_of_the_page_is_one() -> None:
    judge(json.loads(EXAMPLE.read_text()))


def test_names_every_material_with_its_digest(shown: dict[str, Any]) -> None:
    found = predicate(shown)["buildDefinition"]["resolvedDependencies"]
    digests = {each["name"]: each["digest"] for each in found}
    assert digests["corpus"] == {"treeSha256": shown["corpus"]["digest"]}
    lock = shown["environment"]["requirements/cpu.lock"]
    assert digests["requirements/cpu.lock"] == {"sha256": lock}
    assert digests["source"] == {"gitCommit": shown["code"]["commit"].removesuffix("+changes")}
    assert {"schema", "vocabulary"} <= digests.keys()
    assert "champion" not in digests


def test_says_what_was_changed_since_the_commit(shown: dict[str, Any]) -> None:
    for node in shown["nodes"]:
        node["code"]["commit"] = "a" * 40 + "+changes" * (node["node"] == "Trainer")
    sources = [
        each
        for each in predicate(shown)["buildDefinition"]["resolvedDependencies"]
        if each["name"] == "source"
    ]
    assert [each["digest"]["gitCommit"] for each in sources] == ["a" * 40] * 2
    changed = [each["annotations"] for each in sources if each["annotations"]["changed"]]
    assert changed == [{"changed": True, "nodes": ["Trainer"]}]


def test_has_each_node_with_its_own_parameters_and_no_path(shown: dict[str, Any]) -> None:
    text = json.dumps(predicate(shown))
    assert shown["model"]["uri"] not in text
    nodes = predicate(shown)["buildDefinition"]["externalParameters"]["nodes"]
    assert [node["key"] for node in nodes] == [node["key"] for node in shown["nodes"]]
    (trainer,) = (node for node in nodes if node["node"] == "Trainer")
    assert trainer["parameters"]["training.batch_size"] == 8


def test_the_names_of_records_that_were_left_out_are_not_handed_on(shown: dict[str, Any]) -> None:
    assert "Jane Doe" in json.dumps(shown)
    assert "Jane Doe" not in json.dumps(predicate(shown))
    names = ["Jane Doe"]
    assert without_names({"corpus.exclude": names}) == {
        "corpus.exclude": {"names": 1, "sha256": sha256_json(names)}
    }


def test_the_root_digest_is_the_one_that_model_signing_signs(tmp_path: Path) -> None:
    from model_signing import hashing
    from model_signing._signing.signing import Payload

    for name in ("b", "variables/a", "a.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    manifest = hashing.Config().hash(tmp_path)
    files = {each.identifier: each.digest.digest_hex for each in manifest.resource_descriptors()}
    assert len(files) == 3
    (subject,) = Payload(manifest).statement.pb.subject
    assert subject.digest["sha256"] == root_digest(files)
