"""`lineage export`: what each format says; validators of others judge them in `tests/validators`."""

import json
import shutil
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipeline import cli, lineage
from pipeline.lineage.export import FORMATS, ExportedModel, cyclonedx, exported_model, openlineage
from pipeline.lineage_arguments import FORMATS as OFFERED
from pipeline.manifests import Manifests
from preprocessing.base.errors import InputError
from preprocessing.base.job_cache import JobCache
from tests.pipeline.corpus_index import TEXTS, index
from tests.pipeline.launches import Launches
from tests.pipeline.schemas import document_of

SCHEMAS = Path(__file__).resolve().parents[2] / "docs" / "schemas"
LEFT_OUT = "Jane Doe"


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which a model was pushed, of weights from elsewhere, with a name left out."""
    folder = tmp_path_factory.mktemp("pushed")
    for name in ("corpus/one.txt", "corpus/deep/two.JSONL", "base/weights"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(TEXTS["a"])
    (folder / "pipeline.yaml").write_text(
        f"corpus:\n  task: text\n  path: corpus\n  exclude: [{LEFT_OUT}]\nmodel:\n  base: base\n"
    )
    launches = Launches(folder / "pipeline.yaml")
    launches.results["CorpusGen"] = index(*TEXTS)
    launches.run("run-1")
    return folder


@pytest.fixture
def launches(template: Path, tmp_path: Path) -> Launches:
    """A copy of the folder."""
    shutil.copytree(template, tmp_path / "project", symlinks=True)
    return Launches(tmp_path / "project" / "pipeline.yaml")


def exported(launches: Launches) -> ExportedModel:
    """What exports say of the latest version."""
    workspace = launches.config_file.parent / "workspace"
    manifests = Manifests(workspace / "manifests", JobCache(workspace).open_digests(writes=False))
    pushed = lineage.pushed_artifact(launches.store, str(launches.versions.latest()))
    return exported_model(launches.store, workspace, manifests, pushed)


@pytest.fixture(scope="module")
def template_model(template: Path) -> ExportedModel:
    """The pushed model, with what its artifacts would say if genuine nodes had made them."""
    found = exported(Launches(template / "pipeline.yaml"))
    shown = {
        **found.shown,
        "metrics": {"perplexity": 31.5, "rouge1": None},
        "corpus_report": {
            "splits": {"train": 3, "test": 1},
            "dropped": 2,
            "reasons": {"empty": 2},
            "duplicates": 1,
            "leaks": 0,
        },
        "training": {
            "steps": 10,
            "tokens": 4096,
            "parameters": 7,
            "operations": 172032,
            "seconds": 2.5,
            "device": "a CPU",
            "precision": "float32",
            "energy_joules": 12.5,
            "energy_of": ["the processor"],
        },
        "decision": {
            "blessed": True,
            "split": "test",
            "gate_split": "validation",
            "intervals": {"perplexity": [30.5, 32.5]},
            "checks": [],
            "note": "",
            "champion": None,
        },
    }
    document_of("lineage-show", json.dumps({"version": 1, "served": [], **shown}))
    return replace(found, shown=shown, tokens=4000)


@pytest.fixture
def model(template_model: ExportedModel) -> ExportedModel:
    """A copy of it."""
    return deepcopy(template_model)


Export = Callable[..., int]


@pytest.fixture
def export(launches: Launches) -> Export:
    """Asks the command; returns its status."""

    def call(*arguments: str) -> int:
        config = ["--config", str(launches.config_file)]
        return cli.main([*config, "lineage", "export", *arguments])

    return call


class TestCommand:
    def test_offers_the_formats_that_there_are(self) -> None:
        assert tuple(FORMATS) == OFFERED

    @pytest.mark.parametrize("name", FORMATS)
    def test_writes_to_a_file_what_it_prints(
        self, export: Export, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
    ) -> None:
        file = tmp_path / "made" / "document"
        assert export("latest", "--format", name, "-o", str(file), "--json") == 0
        said = document_of("lineage-export", capsys.readouterr().out)
        assert (said["format"], said["bytes"]) == (name, file.stat().st_size)
        for output in ([], ["-o", "-"]):
            assert export("latest", "--format", name, *output) == 0
            assert capsys.readouterr().out == file.read_text()

    @pytest.mark.parametrize(
        ("arguments", "status", "message"),
        [
            (["999", "--format", "intoto"], 2, "999"),
            (["latest", "--format", "intoto", "--json"], 2, "-o FILE"),
            (["latest", "--format", "intoto", "-o", "/proc/none"], 1, "/proc/none"),
        ],
    )
    def test_says_what_it_cannot_do(
        self,
        export: Export,
        capsys: pytest.CaptureFixture[str],
        arguments: list[str],
        status: int,
        message: str,
    ) -> None:
        assert export(*arguments) == status
        said = capsys.readouterr()
        assert (said.out, message in said.err, "Traceback" in said.err) == ("", True, False)

    def test_a_version_whose_list_of_files_is_gone_is_refused(
        self, export: Export, launches: Launches, capsys: pytest.CaptureFixture[str]
    ) -> None:
        shutil.rmtree(launches.config_file.parent / "workspace" / "manifests")
        assert export("latest", "--format", "intoto") == 2
        assert "the list of its files is gone" in capsys.readouterr().err


def test_the_same_model_has_the_same_bytes_wherever_it_lies_and_whatever_came_later(
    model: ExportedModel, launches: Launches, export: Export, tmp_path: Path
) -> None:
    for name in FORMATS:
        assert export(model.version, "--format", name, "-o", str(tmp_path / name)) == 0
    launches.results["Trainer"] = "another"
    assert launches.run("run-2", None, "training.steps=9").pushed != model.version
    moved = launches.config_file.parent.rename(tmp_path / "moved")
    config = ["--config", str(moved / "pipeline.yaml"), "lineage", "export", model.version]
    for name in FORMATS:
        after = tmp_path / f"{name} after"
        assert cli.main([*config, "--format", name, "-o", str(after)]) == 0
        assert after.read_bytes() == (tmp_path / name).read_bytes()


@pytest.mark.parametrize("name", FORMATS)
def test_no_text_no_name_of_a_record_and_no_path_is_handed_on(
    model: ExportedModel, template: Path, name: str
) -> None:
    text = FORMATS[name](model)
    for secret in (*TEXTS.values(), LEFT_OUT, str(template), "one.txt"):
        assert secret not in text


class TestOpenLineage:
    def test_each_node_starts_and_completes(self, model: ExportedModel) -> None:
        events = openlineage.events(model)
        nodes = [node["node"] for node in model.shown["nodes"]]
        assert [e["job"]["name"] for e in events[::2]] == nodes
        for start, complete in zip(events[::2], events[1::2], strict=True):
            assert (start["eventType"], complete["eventType"]) == ("START", "COMPLETE")
            assert start["run"]["runId"] == complete["run"]["runId"]
            assert start["eventTime"] <= complete["eventTime"]
        assert len({event["run"]["runId"] for event in events}) == len(nodes)

    def test_what_a_node_reads_another_wrote_or_came_from_outside(
        self, model: ExportedModel
    ) -> None:
        def named(dataset: dict[str, Any]) -> tuple[str, str, str]:
            version = dataset["facets"]["version"]["datasetVersion"]
            return dataset["namespace"], dataset["name"], version

        written: set[tuple[str, str, str]] = set()
        outside = set()
        for event in openlineage.events(model)[1::2]:
            read = {named(dataset) for dataset in event["inputs"]}
            outside |= {name for namespace, name, _ in read if namespace == "gpt2-tfx:outside"}
            assert {each for each in read if each[0] == "gpt2-tfx"} <= written
            written |= {named(dataset) for dataset in event["outputs"]}
        assert outside == {"corpus", "schema", "vocabulary", "base_model"}
        assert "Pusher/pushed_model" in {name for _, name, _ in written}

    def test_facets_of_our_own_are_of_their_schemas(self, model: ExportedModel) -> None:
        found: dict[str, Any] = {}
        for event in openlineage.events(model):
            found |= event["run"]["facets"]
            for dataset in event["outputs"]:
                found |= dataset["facets"]
        own = {name: fields for name, fields in found.items() if name.startswith("gpt2tfx_")}
        assert set(own) == {"gpt2tfx_node", "gpt2tfx_training", "gpt2tfx_scores"}
        for name, fields in own.items():
            document_of(name.replace("gpt2tfx_", "openlineage-"), json.dumps(fields))

    @pytest.mark.parametrize("name", ["node", "training", "scores"])
    def test_the_example_of_a_facet_is_one(self, name: str) -> None:
        text = (SCHEMAS / f"openlineage-{name}.example.json").read_text()
        document = document_of(f"openlineage-{name}", text)
        schema = json.loads((SCHEMAS / f"openlineage-{name}.schema.json").read_text())
        assert document["_schemaURL"] == schema["$id"]

    def test_a_node_of_which_no_time_was_recorded_is_refused(self, model: ExportedModel) -> None:
        model.shown["nodes"][2]["finished"] = None
        with pytest.raises(InputError, match="when it ran"):
            openlineage.events(model)


class TestCycloneDX:
    def test_has_the_model_with_its_files_scores_and_materials(self, model: ExportedModel) -> None:
        document = cyclonedx.document(model)
        component = document["metadata"]["component"]
        assert component["hashes"] == [{"alg": "SHA-256", "content": model.root}]
        files = ["README.md", "provenance.json", "weights"]
        assert [file["name"] for file in component["components"]] == files
        (metric,) = component["modelCard"]["quantitativeAnalysis"]["performanceMetrics"]
        assert metric == {
            "type": "perplexity",
            "value": "31.5",
            "slice": "test",
            "confidenceInterval": {"lowerBound": "30.5", "upperBound": "32.5"},
        }
        names = {each["name"] for each in document["components"]}
        assert {"corpus of the task text", "base model", "requirements/cpu.lock"} <= names
        references = [each["bom-ref"] for each in document["components"]]
        assert document["dependencies"][0] == {"ref": "model", "dependsOn": references}

    def test_names_the_packages_of_the_lock_that_the_trainer_had(
        self, launches: Launches, root: Path
    ) -> None:
        assert exported(launches).packages == {}
        (trainer,) = (e for e in launches.store.history("Trainer"))
        workspace = launches.config_file.parent / "workspace"
        lock = workspace / "code" / str(trainer.properties["code"]) / "requirements/cpu.lock"
        lock.parent.mkdir(parents=True)
        shutil.copy(root / "requirements" / "cpu.lock", lock)
        components = cyclonedx.document(exported(launches))["components"]
        libraries = {each["name"]: each for each in components if each["type"] == "library"}
        assert len(libraries) > 100
        assert libraries["tensorflow"]["purl"].startswith("pkg:pypi/tensorflow@2.")
        lock.write_text("tensorflow==0\n")  # not the lock that was recorded
        assert exported(launches).packages == {}

    def test_a_part_that_is_not_known_is_left_out(self, model: ExportedModel) -> None:
        shown = {**model.shown, "training": None, "corpus_report": None, "decision": None}
        text = json.dumps(cyclonedx.document(replace(model, shown=shown, tokens=None)))
        assert "operations" not in text
        assert "null" not in text


class TestCroissant:
    def document(self, model: ExportedModel) -> Any:
        return json.loads(FORMATS["croissant"](model))

    def test_has_a_set_for_each_kind_of_file_and_its_documents(self, model: ExportedModel) -> None:
        document = self.document(model)
        assert document["conformsTo"] == "http://mlcommons.org/croissant/1.1"
        kinds = {each["@id"]: each["encodingFormat"] for each in document["distribution"]}
        assert kinds == {"files-jsonl": "application/jsonlines", "files-txt": "text/plain"}
        fields = {
            each["@id"]: [field["source"]["extract"] for field in each["field"]]
            for each in document["recordSet"]
        }
        assert fields == {
            "documents-jsonl": [{"column": "text"}],
            "documents-txt": [{"fileProperty": "filename"}, {"fileProperty": "content"}],
        }

    def test_says_what_was_dropped_and_what_the_provider_must_say(
        self, model: ExportedModel
    ) -> None:
        document = self.document(model)
        assert "Left out: 2 (2 empty)." in document["description"]
        assert model.shown["corpus"]["digest"] in document["url"]
        assert document["license"] == "to be stated by the provider"

    def test_without_the_list_of_files_it_is_one_set(self, model: ExportedModel) -> None:
        document = self.document(replace(model, corpus_files=None))
        assert [each["@id"] for each in document["distribution"]] == ["files"]


class TestEUSummary:
    def test_has_the_sections_of_the_template_in_their_order(self, model: ExportedModel) -> None:
        lines = FORMATS["eu-summary"](model).splitlines()
        numbers = [line.split()[1] for line in lines if line.startswith(("## ", "### "))]
        sections = "1. 1.1 1.2 1.3 2. 2.1 2.2 2.3 2.4 2.5 2.6 3. 3.1 3.2 3.3"
        assert numbers == sections.split()

    def rows(self, model: ExportedModel) -> dict[str, str]:
        lines = FORMATS["eu-summary"](model).splitlines()
        cells = [line.strip("| ").split(" | ") for line in lines if line.startswith("| ")]
        return {cell[0]: cell[1] for cell in cells if len(cell) == 2}

    def test_fills_in_what_was_recorded(self, model: ExportedModel) -> None:
        rows = self.rows(model)
        assert rows["Text"] == "yes: less than 1 billion tokens (4,000 in the training set)"
        assert model.shown["base_model"]["digest"] in rows["Model dependencies"]
        assert "3 train, 1 test" in rows["Other characteristics"]
        assert rows["Names of records and files that the configuration leaves out"] == "1"
        assert rows["Documents that were dropped"] == "2 (2 empty)"
        assert "4,096 tokens" in rows["Training"]
        assert "1.72e+05 operations" in rows["Training"]

    def test_marks_what_only_the_provider_can_say_and_what_does_not_apply(
        self, model: ExportedModel
    ) -> None:
        rows = self.rows(model)
        assert rows["Name and contact of the provider"] == "*to be stated by the provider*"
        assert rows["Image"] == rows["Audio"] == rows["Video"] == "not applicable"
        assert all(rows.values())

    @pytest.mark.parametrize(
        ("tokens", "size"),
        [
            (10**9 - 1, "less than 1 billion"),
            (10**9, "1 billion to 10 trillion"),
            (10**13, "more than 10 trillion"),
            (None, "to be stated by the provider"),
        ],
    )
    def test_tells_the_size_by_the_template_s_ranges(
        self, model: ExportedModel, tokens: int | None, size: str
    ) -> None:
        assert size in self.rows(replace(model, tokens=tokens))["Text"]

    def test_says_that_it_is_voluntary(self, model: ExportedModel) -> None:
        text = FORMATS["eu-summary"](model)
        assert "voluntary" in text
        assert "under these thresholds" in text
