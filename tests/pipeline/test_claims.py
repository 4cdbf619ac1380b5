"""`claims.jsonl` of a pushed folder: what it says, and what is found where somebody has changed it."""

import base64
import json
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import json_format
from in_toto_attestation.predicates.provenance.v1.provenance_pb2 import Provenance
from in_toto_attestation.v1.statement import Statement
from in_toto_attestation.v1.statement_pb2 import Statement as StatementMessage

from pipeline import cli
from pipeline.claims.chain import FIRST_TYPE, append_claims, read_claims
from pipeline.claims.envelopes import RefusedError
from pipeline.claims.making import ClaimMaker
from pipeline.claims.predicates import (
    CARD_TYPE,
    EVALUATION_TYPE,
    TRAINING_SET_TYPE,
    signed_record,
)
from pipeline.claims.slsa import PREDICATE_TYPE
from pipeline.lineage import pushed_artifact
from pipeline.signing import KEY_VARIABLE, Signer, signed_root
from pipeline.version_signing import VersionSigner
from preprocessing.base.digests import sha256_file
from preprocessing.base.errors import InputError
from serving.checksums import CHECKSUMS, as_checksums
from serving.versions import ADDED_LATER, CLAIMS, SIGNATURE
from tests.pipeline.corpus_index import index
from tests.pipeline.launches import STATED, Launches
from tests.pipeline.schemas import document_of
from tests.pipeline.signing_keys import Keys, key_pair

TYPES = [FIRST_TYPE, PREDICATE_TYPE, EVALUATION_TYPE, CARD_TYPE, TRAINING_SET_TYPE]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Keys]:
    """A folder with two signed versions, and the keys."""
    folder = tmp_path_factory.mktemp("claims")
    (folder / "corpus").mkdir()
    (folder / "corpus" / "one.txt").write_text("One.\n")
    (folder / "pipeline.yaml").write_text("corpus:\n  task: text\n  path: corpus\n")
    keys = key_pair(folder, "key")
    launches = Launches(folder / "pipeline.yaml")
    launches.training_index = index("a", "b", "d")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(KEY_VARIABLE, str(keys[0]))
        for name in ("first", "second"):
            launches.results["Trainer"] = f"model {name}"
            launches.run(f"run-{name}", None, f"training.steps={len(name)}")
    return folder, keys


@pytest.fixture
def launches(project: tuple[Path, Keys], tmp_path: Path) -> Launches:
    """A copy of the folder."""
    shutil.copytree(project[0], tmp_path / "project", symlinks=True)
    return Launches(tmp_path / "project" / "pipeline.yaml")


@pytest.fixture
def keys(project: tuple[Path, Keys]) -> Keys:
    return project[1]


@pytest.fixture
def folders(launches: Launches) -> list[Path]:
    """The two versions, the older first."""
    return [launches.versions.path(name) for name in launches.versions.names()]


Verify = Callable[..., tuple[bool, Any]]


@pytest.fixture
def carried(tmp_path: Path) -> Callable[[Path], Path]:
    """Copies a version to where no workspace is."""

    def call(folder: Path) -> Path:
        place = tmp_path / "elsewhere" / folder.name
        shutil.rmtree(place.parent, ignore_errors=True)
        shutil.copytree(folder, place)
        # The fake of the Pusher writes no list of files.
        files = {path.name: sha256_file(path) for path in place.iterdir()}
        stated = {name: digest for name, digest in files.items() if name not in ADDED_LATER}
        (place / CHECKSUMS).write_text(as_checksums(stated))
        return place

    return call


@pytest.fixture
def verify(
    keys: Keys, carried: Callable[[Path], Path], capsys: pytest.CaptureFixture[str]
) -> Verify:
    """`lineage verify` of a version elsewhere: whether its claims are accepted, and what is said of them."""

    def call(folder: Path, key: Path | None = keys[1]) -> tuple[bool, Any]:
        place = carried(folder)
        command = ["--config", str(place / "none.yaml"), "lineage", "verify", str(place)]
        command += ["--key", str(key)] if key else []
        status = cli.main([*command, "--json"])
        document = document_of("lineage-verify", capsys.readouterr().out)
        assert (status == 0) == document["ok"]
        claims = document["claims"]
        return claims["state"] != "refused", claims

    return call


def lines_of(folder: Path) -> list[str]:
    return (folder / CLAIMS).read_text().splitlines()


def write_lines(folder: Path, lines: list[str]) -> None:
    (folder / CLAIMS).write_text("".join(f"{line}\n" for line in lines))


def signer_of(keys: Keys) -> Signer:
    signer = Signer.of_environment({KEY_VARIABLE: str(keys[0])})
    assert signer is not None
    return signer


class TestContent:
    def test_are_in_toto_statements_about_the_files_that_were_signed(
        self, folders: list[Path]
    ) -> None:
        for folder in folders:
            claims = read_claims(folder)
            assert [claim.type for claim in claims] == TYPES
            assert claims[0].predicate == {"required": TYPES[1:]}
            root = signed_root((folder / SIGNATURE).read_bytes())
            for claim in claims:
                message = json_format.ParseDict(dict(claim.statement), StatementMessage())
                Statement.copy_from_pb(message).validate()
                assert claim.statement["subject"][0]["digest"] == {"sha256": root}
                document_of("claim", claim.payload.decode())
        roots = {
            read_claims(folder)[0].statement["subject"][0]["digest"]["sha256"] for folder in folders
        }
        assert len(roots) == 2

    def test_state_provenance_with_logs_scores_and_the_card(
        self, launches: Launches, keys: Keys, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        folder = launches.versions.path(launches.versions.names()[-1])
        log = launches.config_file.parent / "workspace" / "logs" / "run-second" / "Trainer.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text("noise\n")
        (folder / CLAIMS).unlink()
        monkeypatch.setenv(KEY_VARIABLE, str(keys[0]))
        launches.run("run-again", None, "training.steps=6")
        _, provenance, evaluation, card, training = (c.predicate for c in read_claims(folder))
        assert json_format.ParseDict(dict(provenance), Provenance()).run_details.builder.id
        byproducts = {each["name"]: each for each in provenance["runDetails"]["byproducts"]}
        assert byproducts["Trainer/log"]["digest"] == {"sha256": sha256_file(log)}
        assert byproducts["Trainer/log"]["annotations"]["run"] == "run-second"
        assert "Tokenizer/log" not in byproducts
        definition = provenance["buildDefinition"]
        parameters = ("externalParameters", "internalParameters")
        document_of("slsa-build", json.dumps({name: definition[name] for name in parameters}))
        stated = STATED["evaluation"]
        assert evaluation["metrics"] == stated["metrics"]  # type: ignore[index]
        assert base64.b64decode(card["card"]["content"]) == (folder / "README.md").read_bytes()
        assert training["tree"]["size"] == 3

    def test_versions_of_one_corpus_have_one_root(self, folders: list[Path]) -> None:
        trees = [read_claims(folder)[-1].predicate["tree"] for folder in folders]
        assert trees[0] == trees[1]

    def test_what_is_held_out_is_no_leaf(self, launches: Launches, keys: Keys) -> None:
        launches.training_index = index("a", "c")  # `c` is for testing.
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv(KEY_VARIABLE, str(keys[0]))
            launches.results |= {"CorpusGen": "other", "Trainer": "third"}
            (launches.config_file.parent / "corpus" / "two.txt").write_text("Two.\n")
            version = str(launches.run("run-third").pushed)
        claims = read_claims(launches.versions.path(version))
        assert claims[-1].predicate["tree"]["size"] == 1


class TestVerify:
    def test_accepts_what_was_signed(self, folders: list[Path], verify: Verify) -> None:
        assert verify(folders[0]) == (True, {"state": "valid", "reason": "", "types": TYPES})
        assert verify(folders[0], key=None)[1]["state"] == "not checked"

    @pytest.mark.parametrize("number", range(len(TYPES)))
    def test_a_dropped_claim_is_found(
        self, folders: list[Path], verify: Verify, number: int
    ) -> None:
        lines = lines_of(folders[0])
        write_lines(folders[0], lines[:number] + lines[number + 1 :])
        accepted, claims = verify(folders[0])
        assert not accepted
        expected = {0: "not the first", len(TYPES) - 1: f"dropped: {TYPES[-1]}"}
        assert expected.get(number, "left out") in claims["reason"]

    @pytest.mark.parametrize(
        ("change", "reason"),
        [
            (lambda lines, other: [lines[0], lines[2], lines[1], *lines[3:]], "claim 2"),
            (lambda lines, other: [*lines, lines[-1]], "claim 6"),
            (lambda lines, other: other, "another model"),
            (lambda lines, other: [*lines[:3], other[3], lines[4]], "claim 4"),
            (lambda lines, other: [], "first claim"),
            (lambda lines, other: lines[1:], "not the first"),
            (lambda lines, other: [*lines[:-1], lines[-1][:-9]], "claim 5: no JSON"),
            (lambda lines, other: [*lines, "[]"], "claim 6: not a DSSE envelope"),
            (
                lambda lines, other: [*lines[:-1], lines[-1].replace("in-toto", "other")],
                "no in-toto",
            ),
        ],
    )
    def test_claims_out_of_order_of_another_version_or_damaged_are_refused(
        self,
        folders: list[Path],
        verify: Verify,
        change: Callable[[list[str], list[str]], list[str]],
        reason: str,
    ) -> None:
        write_lines(folders[0], change(lines_of(folders[0]), lines_of(folders[1])))
        accepted, claims = verify(folders[0])
        assert not accepted
        assert reason in claims["reason"]

    def test_a_changed_statement_and_another_key_are_refused(
        self, folders: list[Path], verify: Verify, tmp_path: Path
    ) -> None:
        _, other = key_pair(tmp_path, "other")
        assert "claim 1" in verify(folders[0], other)[1]["reason"]
        lines = lines_of(folders[0])
        envelope = json.loads(lines[2])
        payload = base64.b64decode(envelope["payload"]).replace(b"9.5", b"1.5")
        for signatures in (envelope["signatures"], [], None, [{}], [{"sig": "!"}]):
            changed = envelope | {"signatures": signatures}
            changed["payload"] = base64.b64encode(payload).decode()
            write_lines(folders[0], [*lines[:2], json.dumps(changed), *lines[3:]])
            accepted, claims = verify(folders[0])
            assert not accepted
            assert "claim 3" in claims["reason"]
            assert "has not signed" in claims["reason"]

    def test_none_at_all_are_refused_where_a_key_is_named(
        self, folders: list[Path], verify: Verify
    ) -> None:
        (folders[0] / CLAIMS).unlink()
        assert not verify(folders[0])[0]
        assert verify(folders[0], key=None) == (True, {"state": "none", "reason": "", "types": []})

    def test_claims_of_a_newer_version_are_not_judged(
        self,
        folders: list[Path],
        keys: Keys,
        carried: Callable[[Path], Path],
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        (folders[0] / CLAIMS).unlink()
        append_claims(folders[0], signer_of(keys), [("urn:gpt2-tfx:claims:2", {"required": []})])
        place = carried(folders[0])
        command = ["lineage", "verify", str(place), "--key", str(keys[1])]
        assert cli.main(["--config", str(place / "none.yaml"), *command]) == 2
        assert "claims of version 2" in capsys.readouterr().err

    def test_a_store_whose_rows_were_all_made_to_fit_is_not_the_one_that_was_signed(
        self,
        launches: Launches,
        folders: list[Path],
        keys: Keys,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        command = ["--config", str(launches.config_file), "lineage", "verify", folders[1].name]

        def verified(*flags: str) -> Any:
            cli.main([*command, *flags, "--json"])
            return document_of("lineage-verify", capsys.readouterr().out)

        key = ("--key", str(keys[1]))
        assert verified(*key)["ok"]
        store = launches.store
        pusher = store.producer(pushed_artifact(store, folders[1].name).id)
        assert pusher is not None
        provenance = read_claims(folders[1])[1].predicate
        assert signed_record(provenance) == pusher.record_digest

        def set_text(name: str, text: str) -> None:
            statement = (
                "UPDATE ExecutionProperty SET string_value = ? WHERE execution_id = ? AND name = ?"
            )
            database = sqlite3.connect(
                launches.config_file.parent / "workspace" / "metadata.sqlite"
            )
            assert database.execute(statement, (text, pusher.id, name)).rowcount == 1
            database.commit()
            database.close()

        set_text("reason", "another")
        assert len(verified()["mismatches"]) == 1
        made_to_fit = store.record_digest(store.execution(pusher.id))
        set_text("record_digest", made_to_fit)
        assert verified()["ok"]
        document = verified(*key)
        assert (document["ok"], document["mismatches"]) == (False, [])
        assert "the metadata store is not what was signed" in document["claims"]["reason"]
        assert made_to_fit in document["claims"]["reason"]


class TestAppending:
    def test_breaks_nothing_and_a_dropped_last_one_is_the_stated_limit(
        self, folders: list[Path], keys: Keys, verify: Verify
    ) -> None:
        before = lines_of(folders[0])
        for reason in ("found unsafe", "replaced"):
            append_claims(folders[0], signer_of(keys), [("urn:x:revocation", {"reason": reason})])
        lines = lines_of(folders[0])
        assert lines[: len(before)] == before
        assert verify(folders[0])[1]["types"] == [*TYPES, "urn:x:revocation", "urn:x:revocation"]
        write_lines(folders[0], [*before, lines[-1]])
        assert "claim 6" in verify(folders[0])[1]["reason"]
        write_lines(folders[0], lines[:-1])
        assert verify(folders[0])[0]

    def test_nothing_is_added_to_what_is_not_valid(
        self, folders: list[Path], keys: Keys, tmp_path: Path
    ) -> None:
        other = signer_of(key_pair(tmp_path, "other"))
        before = lines_of(folders[0])
        with pytest.raises(RefusedError, match="claim 1"):
            append_claims(folders[0], other, [("urn:x:revocation", {})])
        write_lines(folders[0], before[:-1])
        with pytest.raises(RefusedError, match="dropped"):
            append_claims(folders[0], signer_of(keys), [("urn:x:revocation", {})])
        assert lines_of(folders[0]) == before[:-1]


class TestMaking:
    def sign(self, launches: Launches, keys: Keys) -> list[str]:
        """Do what a run does at its end; returns what it said."""
        said: list[str] = []
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv(KEY_VARIABLE, str(keys[0]))
            run = launches.new("run-sign")
            VersionSigner(run.loaded, run.store, run.world.manifests).sign(said.append)
            run.close()
        return said

    def test_without_a_key_there_are_none_and_a_key_that_comes_later_makes_them(
        self, launches: Launches, folders: list[Path], keys: Keys
    ) -> None:
        for name in (SIGNATURE, CLAIMS):
            (folders[0] / name).unlink()
        launches.run("run-without", None, "training.steps=6")
        assert not (folders[0] / CLAIMS).exists()
        kept = (folders[1] / CLAIMS).read_bytes()
        assert self.sign(launches, keys) == []
        assert [claim.type for claim in read_claims(folders[0])] == TYPES
        assert (folders[1] / CLAIMS).read_bytes() == kept

    def test_a_version_that_was_signed_before_there_were_claims_keeps_its_signature(
        self, launches: Launches, folders: list[Path], keys: Keys, verify: Verify
    ) -> None:
        signature = (folders[0] / SIGNATURE).read_bytes()
        (folders[0] / CLAIMS).unlink()
        assert self.sign(launches, keys) == []
        assert (folders[0] / SIGNATURE).read_bytes() == signature
        assert verify(folders[0])[0]

    def test_a_version_that_another_key_has_signed_gets_none(
        self, launches: Launches, folders: list[Path], tmp_path: Path
    ) -> None:
        (folders[0] / CLAIMS).unlink()
        (said,) = self.sign(launches, key_pair(tmp_path, "other"))
        assert f"version {folders[0].name} has no claims: another key" in said
        assert not (folders[0] / CLAIMS).exists()

    def test_a_signature_of_other_files_gets_none(
        self, launches: Launches, folders: list[Path], keys: Keys
    ) -> None:
        (folders[0] / CLAIMS).unlink()
        shutil.copy(folders[1] / SIGNATURE, folders[0] / SIGNATURE)
        (said,) = self.sign(launches, keys)
        assert "of other files" in said
        (folders[0] / SIGNATURE).write_text("{}")
        (said,) = self.sign(launches, keys)
        assert "cannot be read" in said
        assert not (folders[0] / CLAIMS).exists()

    def test_claims_that_lay_there_unsigned_are_not_signed(
        self, launches: Launches, folders: list[Path], keys: Keys, verify: Verify
    ) -> None:
        (folders[0] / SIGNATURE).unlink()
        write_lines(folders[0], ['{"made": "up"}'])
        assert self.sign(launches, keys) == []
        assert verify(folders[0])[1]["types"] == TYPES

    def test_a_corpus_whose_index_is_gone_has_no_claim(
        self, launches: Launches, folders: list[Path], keys: Keys, verify: Verify
    ) -> None:
        (folders[0] / CLAIMS).unlink()
        shutil.rmtree(launches.config_file.parent / "workspace" / "artifacts" / "CorpusGen")
        assert self.sign(launches, keys) == []
        assert read_claims(folders[0])[0].predicate == {"required": TYPES[1:-1]}
        assert verify(folders[0])[1]["types"] == TYPES[:-1]

    def test_what_a_version_does_not_state_is_said(
        self, launches: Launches, folders: list[Path], tmp_path: Path
    ) -> None:
        (tmp_path / "provenance.json").write_text("{}")
        run = launches.new("run-sign")
        maker = ClaimMaker(run.loaded.workspace, run.store, run.world.manifests)
        pushed = pushed_artifact(run.store, folders[0].name)
        with pytest.raises(InputError, match=r"provenance\.json: it does not state 'evaluation'"):
            maker.first_claims(tmp_path, pushed)
        run.close()

    def test_a_run_with_nothing_to_do_takes_a_claimed_version_as_it_is(
        self, launches: Launches, folders: list[Path], keys: Keys, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv(KEY_VARIABLE, str(keys[0]))
        kept = {path: path.read_bytes() for each in folders for path in each.iterdir()}
        result = launches.run("run-nothing", None, "training.steps=6")
        assert (set(result.nodes.values()), result.pushed) == ({"cached"}, folders[1].name)
        assert {path: path.read_bytes() for each in folders for path in each.iterdir()} == kept
