"""`gpt2-tfx erase` over a history of pushed models."""

import json
import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from pipeline import cli
from pipeline.claims.chain import Claim, check_claims, read_claims
from pipeline.claims.erasures import claim_erasures
from pipeline.claims.predicates import ERASURE_TYPE
from pipeline.commands.run import tell_erasures
from pipeline.config_reading import load_config
from pipeline.erasure.after_run import write_dossiers
from pipeline.leases import RUN_LEASE, Leases
from pipeline.selection import Selection
from pipeline.signing import KEY_VARIABLE, Signer
from preprocessing.base.digests import sha256_file, sha256_text
from preprocessing.base.errors import InputError
from serving.versions import CLAIMS
from tests.pipeline.corpus_index import TEXTS, index
from tests.pipeline.launches import Launches
from tests.pipeline.schemas import document_of
from tests.pipeline.signing_keys import key_pair

Erase = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two pushed models: the first without `d`, the second with it."""
    folder = tmp_path_factory.mktemp("history")
    corpus = folder / "corpus"
    corpus.mkdir()
    (corpus / "one.txt").write_text("One.\n")
    (corpus / "out.txt").write_text("gone.txt")
    config = "corpus: {task: text, path: corpus, exclude_file: out.txt}\n"
    (folder / "pipeline.yaml").write_text(config)
    launches = Launches(folder / "pipeline.yaml")
    push(launches, "first", "a", "b", "c")
    (corpus / "two.txt").write_text("Two.\n")
    push(launches, "second", "a", "b", "c", "d")
    return folder


@pytest.fixture
def launches(template: Path, tmp_path: Path) -> Launches:
    """A copy of the folder."""
    shutil.copytree(template, tmp_path / "copy", symlinks=True)
    return Launches(tmp_path / "copy" / "pipeline.yaml")


@pytest.fixture
def corpus(launches: Launches) -> Path:
    return launches.config_file.parent / "corpus"


def push(launches: Launches, name: str, *ids: str) -> str:
    """A run with these records; returns the version that it pushed."""
    result = index(*ids)
    launches.results |= {"CorpusGen": result, "Tokenizer": result, "Trainer": f"model {name}"}
    return str(launches.run(f"run-{name}").pushed)


@pytest.fixture
def erase(launches: Launches, capsys: pytest.CaptureFixture[str]) -> Erase:
    """Calls the command; returns its status and what it printed."""

    def call(*arguments: str) -> tuple[int, str, str]:
        capsys.readouterr()
        status = cli.main(["--config", str(launches.config_file), "erase", *arguments])
        return status, *capsys.readouterr()

    return call


@pytest.fixture
def dossier(erase: Erase, tmp_path: Path) -> Callable[..., Any]:
    """Asks and returns the dossier."""

    def call(*names: str) -> Any:
        status, _, err = erase(*names, "-o", str(tmp_path / "dossier.json"))
        assert status == 0, err
        return document_of("erasure-dossier", (tmp_path / "dossier.json").read_text())

    return call


def versions(document: Any) -> Sequence[str]:
    return [each["version"] for model in document["models"] for each in model["pushed"]]


class TestLeavesOut:
    def test_a_record_from_the_next_run_on(self, erase: Erase, corpus: Path) -> None:
        status, out, _ = erase("d")
        assert status == 0
        assert (corpus / "out.txt").read_text() == "gone.txt\nd\n"
        assert "1 added" in out
        assert " run` makes a model without them" in out

    def test_to_ask_again_changes_nothing(
        self, erase: Erase, corpus: Path, launches: Launches
    ) -> None:
        erase("d", "a")
        before = (corpus / "out.txt").stat()
        status, out, _ = erase("a", "d", "a")
        after = (corpus / "out.txt").stat()
        assert (status, after.st_ino, after.st_mtime_ns) == (0, before.st_ino, before.st_mtime_ns)
        assert "they were before" in out
        assert len(list(launches.store.erasures())) == 2

    def test_all_records_of_a_file(self, dossier: Callable[..., Any], corpus: Path) -> None:
        document = dossier("b.story")
        assert document["asked"][0]["records"] == [sha256_text(TEXTS["b"])]
        assert (corpus / "out.txt").read_text().splitlines()[-1] == "b.story"

    def test_many_names_as_few(
        self, dossier: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        few = dossier("a", "b", "d")
        monkeypatch.setattr("pipeline.erasure.reach._LOOKED_FOR", 0)
        many = dossier("a", "b", "d")
        assert {**many, "made": few["made"]} == few

    def test_a_group_of_records_by_its_name(
        self, dossier: Callable[..., Any], launches: Launches, corpus: Path
    ) -> None:
        group = "0f343b0931126a20f133d67c2b018a3b"
        lines = [
            line.replace('"id": "a"', f'"id": "{group}"').replace('"id": "b"', f'"id": "{group}~2"')
            for line in index("a", "b", "c").splitlines()
        ]
        launches.results["CorpusGen"] = "".join(f"{line}\n" for line in lines)
        (corpus / "three.txt").write_text("Three.\n")
        launches.run("run-group")
        assert dossier(group)["corpora"][0]["records"] == 2

    def test_keeping_the_mode_of_the_file_and_where_a_link_leads(
        self, erase: Erase, corpus: Path
    ) -> None:
        (corpus / "out.txt").rename(corpus / "real.txt")
        (corpus / "real.txt").chmod(0o600)
        (corpus / "out.txt").symlink_to("real.txt")
        assert erase("d")[0] == 0
        assert os.readlink(corpus / "out.txt") == "real.txt"
        assert (corpus / "real.txt").stat().st_mode & 0o777 == 0o600
        assert (corpus / "real.txt").read_text() == "gone.txt\nd\n"

    def test_into_a_file_that_is_not_there_yet(self, erase: Erase, corpus: Path) -> None:
        (corpus / "out.txt").unlink()
        assert erase("d")[0] == 0
        assert [path.name for path in corpus.iterdir() if path.name.startswith(".")] == []
        assert (corpus / "out.txt").read_text() == "d\n"

    def test_what_the_configuration_leaves_out_needs_no_file(
        self, erase: Erase, launches: Launches, corpus: Path
    ) -> None:
        launches.config_file.write_text("corpus: {task: text, path: corpus, exclude: [d]}\n")
        assert erase("d")[0] == 0
        assert (corpus / "out.txt").read_text() == "gone.txt"
        assert len(list(launches.store.erasures())) == 1


class TestHolds:
    """A corpus that is restored without the names brings nothing back."""

    @pytest.mark.parametrize("content", ["gone.txt", None])
    def test_a_run_and_its_plan_are_refused_where_the_names_are_missing(
        self, erase: Erase, launches: Launches, corpus: Path, content: str | None
    ) -> None:
        erase("d", "a")
        (corpus / "out.txt").unlink()
        if content is not None:
            (corpus / "out.txt").write_text(content)
        said = r"erased names are not left out .*out\.txt: 2 of 2 are missing"
        with pytest.raises(InputError, match=said):
            launches.run("run-restored")
        with pytest.raises(InputError, match=said):
            launches.node("run-container", "CorpusGen")
        assert launches.launched == []
        assert cli.main(["--config", str(launches.config_file), "plan"]) == 2
        assert [run.run_id for run in launches.store.runs()] == ["run-second", "run-first"]

    def test_what_reads_no_corpus_runs(
        self, erase: Erase, launches: Launches, corpus: Path
    ) -> None:
        erase("d")
        (corpus / "out.txt").unlink()
        launches.run("run-schema", Selection(last=("ImportSchemaGen",)))

    def test_the_names_may_be_left_out_elsewhere_or_by_asking_again(
        self, erase: Erase, launches: Launches, corpus: Path
    ) -> None:
        erase("d", "a")
        (corpus / "out.txt").write_text("d\n")
        launches.run("run-elsewhere", None, 'corpus.exclude=["a"]')
        erase("d", "a")
        launches.run("run-again")


class TestRefuses:
    def test_names_that_nothing_has_all_of_them_and_changes_nothing(
        self, erase: Erase, launches: Launches, corpus: Path
    ) -> None:
        status, out, err = erase("b", "zebra", "d.stor", "yak")
        assert (status, out) == (1, "")
        assert all(f"{name}: no corpus" in err for name in ("zebra", "d.stor", "yak"))
        assert "b: no corpus" not in err
        assert (corpus / "out.txt").read_text() == "gone.txt"
        assert list(launches.store.erasures()) == []

    def test_before_anything_has_run(self, erase: Erase, launches: Launches) -> None:
        shutil.rmtree(launches.config_file.parent / "workspace")
        status, _, err = erase("a")
        assert (status, "a: no corpus" in err) == (1, True)
        assert not (launches.config_file.parent / "workspace").exists()

    @pytest.mark.parametrize(
        ("section", "says"),
        [
            ("path: corpus", "exclude_file: excluded.txt"),
            ("path: corpus/one.txt", "exclude: ['d']"),
            ("path: corpus/one.txt, exclude_file: out.txt", "the corpus is the single file"),
            ("path: corpus, exclude_file: .out", "hidden"),
            ("path: corpus, exclude_file: ../out", "outside"),
            ("path: nowhere, exclude_file: out.txt", "there is nothing at"),
        ],
    )
    def test_where_there_is_no_file_to_write_into(
        self, erase: Erase, launches: Launches, section: str, says: str
    ) -> None:
        launches.config_file.write_text(f"corpus: {{task: text, {section}}}\n")
        status, _, err = erase("d")
        assert status == 2
        assert says in err
        assert list(launches.store.erasures()) == []

    def test_a_name_that_cannot_be_a_line_and_an_empty_one(
        self, erase: Erase, launches: Launches, corpus: Path
    ) -> None:
        launches.results["CorpusGen"] = index("a", "c").replace('"id": "a"', '"id": " a"')
        (corpus / "one.txt").write_text("Three.\n")
        launches.run("run-spaces")
        status, _, err = erase(" a")
        assert (status, "cannot be a line" in err) == (2, True)
        assert erase("")[0] == 2
        assert (corpus / "out.txt").read_text() == "gone.txt"

    def test_to_work_beside_a_run(self, erase: Erase, launches: Launches, corpus: Path) -> None:
        leases = Leases(launches.store, "run-now")
        with leases.acquire(RUN_LEASE, wait=False, say=print):
            status, _, err = erase("d")
        assert (status, "is held by" in err) == (1, True)
        assert (corpus / "out.txt").read_text() == "gone.txt"


class TestDossier:
    def test_says_what_held_a_record_and_what_replaces_it(
        self, dossier: Callable[..., Any], launches: Launches
    ) -> None:
        second = launches.versions.latest()
        before = dossier("d")
        assert versions(before) == [second]
        assert before["replacement"] is None
        assert any(each["what"] == f"pushed version {second}" for each in before["remains"])
        third = push(launches, "third", "a", "c")
        after = dossier("d")
        assert (after["replacement"]["version"], after["latest"]) == (third, third)
        assert after["asked"] == before["asked"]
        assert versions(after) == [second]
        (served,) = after["models"][0]["pushed"][0]["served"]
        assert served["until"] is not None

    def test_an_earlier_version_that_is_served_again_replaces_too(
        self, dossier: Callable[..., Any], launches: Launches
    ) -> None:
        dossier("d")
        first, second = launches.versions.names()
        assert push(launches, "unused", "a", "b", "c") == first
        document = dossier("d")
        assert (document["replacement"]["version"], versions(document)) == (first, [second])

    def test_is_written_once_after_the_run_that_replaces_what_had_the_record(
        self, dossier: Callable[..., Any], launches: Launches
    ) -> None:
        loaded = load_config(launches.config_file)
        asked = dossier("d")
        assert write_dossiers(loaded) == []
        third = push(launches, "third", "a", "c")
        (path,) = write_dossiers(loaded)
        assert path == loaded.workspace / "erasures" / f"{sha256_text('d')}.json"
        document = document_of("erasure-dossier", path.read_text())
        assert document["replacement"]["version"] == third
        assert (document["asked"], document["corpora"]) == (asked["asked"], asked["corpora"])
        assert versions(document) == versions(asked)
        assert write_dossiers(loaded) == []

    def test_a_key_that_is_there_claims_it_of_the_versions_that_had_the_record(
        self,
        dossier: Callable[..., Any],
        launches: Launches,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        keys = key_pair(tmp_path, "key")
        monkeypatch.setenv(KEY_VARIABLE, str(keys[0]))
        loaded, (first, second) = load_config(launches.config_file), launches.versions.names()
        dossier("d")
        third = push(launches, "third", "a", "c")
        tell_erasures(loaded)
        (path,) = (loaded.workspace / "erasures").glob("*.json")
        assert str(path) in capsys.readouterr().out

        def erasures(version: str) -> list[Claim]:
            claims = read_claims(launches.versions.path(version))
            for claim in claims:
                document_of("claim", claim.payload.decode())
            return [claim for claim in claims if claim.type == ERASURE_TYPE]

        (claim,) = erasures(second)
        assert (erasures(first), erasures(third)) == ([], [])
        assert claim.predicate["dossier"] == {"sha256": sha256_file(path)}
        assert (claim.predicate["records"], claim.predicate["replacedBy"]["name"]) == (1, third)
        for guessable in ("d", "d.story", TEXTS["d"]):
            assert sha256_text(guessable).encode() not in claim.payload
        state = check_claims(launches.versions.path(second), keys[1])
        assert (state.state, state.types[-1]) == ("valid", ERASURE_TYPE)

        # A key that comes later finds it too, and claims it once.
        (launches.versions.path(second) / CLAIMS).unlink()
        for run_id in ("run-again", "run-once-more"):
            launches.run(run_id)
            assert len(erasures(second)) == 1
        path.with_name("damaged.json").write_text("{}")
        said: list[str] = []
        claim_erasures(loaded.workspace, Signer(keys[0].read_bytes()), said.append)
        assert len(said) == 1
        assert "damaged.json: not a dossier" in said[0]

    def test_is_not_written_while_a_later_corpus_has_the_record(
        self, erase: Erase, launches: Launches
    ) -> None:
        erase("d")
        push(launches, "third", "a", "c", "d")
        assert write_dossiers(load_config(launches.config_file)) == []

    def test_a_version_whose_corpus_still_holds_a_record_replaces_nothing(
        self, dossier: Callable[..., Any], launches: Launches
    ) -> None:
        dossier("d")
        push(launches, "third", "a", "c", "d")
        document = dossier("d")
        assert document["replacement"] is None
        assert len(versions(document)) == 2
        (launches.config_file.parent / "corpus" / "other.txt").write_text("Other.\n")
        fourth = push(launches, "fourth", "a", "c")
        assert dossier("d")["replacement"]["version"] == fourth

    def test_has_no_name_and_no_text(self, dossier: Callable[..., Any], launches: Launches) -> None:
        (launches.config_file.parent / "corpus" / "three.txt").write_text("Three.\n")
        secret = "jane-doe-letter"
        launches.results["CorpusGen"] = index("a", "c").replace('"id": "a"', f'"id": "{secret}"')
        launches.run("run-secret")
        text = json.dumps(dossier(secret))
        assert sha256_text(secret) in text
        assert not any(part in text for part in (secret, "a.story", TEXTS["a"]))
        workspace = launches.config_file.parent / "workspace"
        assert secret.encode() not in (workspace / "metadata.sqlite").read_bytes()

    def test_of_a_record_that_was_held_out_names_no_model(
        self, dossier: Callable[..., Any]
    ) -> None:
        document = dossier("c")
        assert (document["models"], len(document["corpora"])) == ([], 2)
        assert [each["training"] for each in document["corpora"]] == [0, 0]

    def test_still_knows_what_is_gone_since_it_was_asked(
        self, dossier: Callable[..., Any], launches: Launches
    ) -> None:
        before = dossier("d", "a")
        shutil.rmtree(launches.config_file.parent / "workspace/artifacts/CorpusGen/index")
        after = dossier("d", "a")
        assert after["not_looked_at"] == 2
        for part in ("asked", "corpora", "models"):
            assert after[part] == before[part]

    def test_names_copies_that_were_not_asked_for(
        self, dossier: Callable[..., Any], launches: Launches, corpus: Path
    ) -> None:
        (corpus / "three.txt").write_text("Three.\n")
        copy = index("a").replace('"id": "a"', '"id": "again"').replace("a.story", "again.story")
        launches.results["CorpusGen"] = index("a", "c") + copy
        launches.run("run-copy")
        assert [each["digest"] for each in dossier("a")["copies"]] == [sha256_text(TEXTS["a"])]
        assert dossier("a", "again.story")["copies"] == []

    def test_that_cannot_be_written_is_one_message(
        self, erase: Erase, tmp_path: Path, corpus: Path
    ) -> None:
        status, _, err = erase("d", "-o", str(tmp_path))
        assert (status, "the dossier cannot be written" in err) == (1, True)
        assert (corpus / "out.txt").read_text() == "gone.txt\nd\n"
