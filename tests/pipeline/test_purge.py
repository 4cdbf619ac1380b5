"""`gpt2-tfx erase --purge`: the text of a record is nowhere in the workspace any more, and its lineage is."""

import gzip
import json
import os
import shutil
import sqlite3
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import zstandard

from pipeline import cli
from pipeline.claims.envelopes import check_signed, payload_of, statement_of, subject_digest
from pipeline.config_reading import load_config
from pipeline.erasure.after_run import write_dossiers
from pipeline.erasure.key import KEY_VARIABLE
from pipeline.inclusion.salts import SaltedRecord, Salts
from pipeline.lineage.provenance import pushed_artifact, show
from pipeline.lineage.rows import altered_events
from pipeline.signing import KEY_VARIABLE as SIGNING_KEY
from pipeline.signing import read_public_key
from pipeline.store import connection_config
from pipeline.store.vacuum import vacuum
from preprocessing.base.digests import sha256_bytes, sha256_text
from preprocessing.base.errors import InputError
from tests.pipeline.byte_search import forms_of, holds, places_of
from tests.pipeline.conftest import WriteConfig
from tests.pipeline.corpus_index import index
from tests.pipeline.launches import Launches
from tests.pipeline.mortal_runs import Clock, Death, MortalLaunches, Process
from tests.pipeline.schemas import document_of
from tests.pipeline.signing_keys import key_pair
from tests.pipeline.trees import snapshot

SECRET = "Jane Doe lives\nat the \u00e9cole."
TOKENS = (41083, 50256, 3160, 12, 379, 262)
FORMS = forms_of(SECRET, TOKENS)
RECORDS = gzip.compress(f"a record, {SECRET}, another".encode())
# As protocol buffers pack them.
ROWS = b"\x08\x01" + bytes.fromhex("fbc002d08803d8180cfb028602")


def launch(launches: Launches, name: str, *ids: str) -> str:
    """A run with these records, of which `d` has the secret; returns the version that it pushed."""
    told = "d" in ids
    launches.results |= {
        "CorpusGen": RECORDS if told else f"records of {name}",
        "CorpusGen.index": index(*ids),
        "StatisticsGen": SECRET if told else f"statistics of {name}",
        "Tokenizer": ROWS if told else f"rows of {name}",
        "Trainer": f"model {name}",
        "Trainer.model_run": SECRET if told else f"training of {name}",
        "Evaluator.evaluation": json.dumps({"text": SECRET}) if told else f"texts of {name}",
        "Evaluator.blessing": "blessed",
        "Attest": f"attestation {name}",
    }
    return str(launches.run(f"run-{name}").pushed)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two pushed models: the first without `d`, the second with it; caches and logs that have its text."""
    folder = tmp_path_factory.mktemp("history")
    corpus = folder / "corpus"
    corpus.mkdir()
    (corpus / "one.txt").write_text("One.\n")
    (corpus / "out.txt").write_text("")
    config = "corpus: {task: text, path: corpus, exclude_file: out.txt}\n"
    (folder / "pipeline.yaml").write_text(config)
    launches = Launches(folder / "pipeline.yaml")
    launch(launches, "first", "a", "b", "c")
    (corpus / "two.txt").write_text("Two.\n")
    launch(launches, "second", "a", "b", "c", "d")
    for name, content in {
        "corpus/abc.reading": SECRET.encode(),
        f"shards/{'a' * 64}/rows.tfrecord": ROWS,
        f"scores/{'b' * 64}/one.json": json.dumps([SECRET]).encode(),
        "logs/run-second/Trainer.log": SECRET.encode(),
        "artifacts/CorpusGen/examples/.0a/part": zstandard.compress(SECRET.encode()),
        "artifacts/CorpusGen/examples/99999/part": zlib.compress(SECRET.encode()),
        "artifacts/CorpusGen/.system/executor_execution/2/output": SECRET.encode(),
    }.items():
        path = folder / "workspace" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


@pytest.fixture
def launches(template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Launches:
    """A copy of the folder, with a key in the environment."""
    monkeypatch.setenv(KEY_VARIABLE, "0f" * 32)
    shutil.copytree(template, tmp_path / "copy", symlinks=True)
    return Launches(tmp_path / "copy" / "pipeline.yaml")


@pytest.fixture
def workspace(launches: Launches) -> Path:
    return launches.config_file.parent / "workspace"


Erase = Callable[..., tuple[int, str, str]]


@pytest.fixture
def erase(launches: Launches, capsys: pytest.CaptureFixture[str]) -> Erase:
    """Calls the command; returns its status and what it printed."""

    def call(*arguments: str) -> tuple[int, str, str]:
        capsys.readouterr()
        status = cli.main(["--config", str(launches.config_file), "erase", *arguments])
        return status, *capsys.readouterr()

    return call


def test_the_search_finds_a_text_and_its_tokens_however_they_are_packed(tmp_path: Path) -> None:
    """Or the tests here could not fail."""
    text = f"before {SECRET} after".encode()
    record = zlib.compress(text)
    framed = struct.pack("<QI", len(record), 0) + record + struct.pack("<I", 0)
    with sqlite3.connect(tmp_path / "database") as database:
        database.execute("CREATE TABLE t (v TEXT)")
        database.execute("INSERT INTO t VALUES (?)", ("x" * 5000 + SECRET,))
    for packed in (
        text,
        SECRET.encode("utf-16-le"),
        json.dumps({"v": SECRET}).encode(),
        json.dumps({"v": SECRET}, ensure_ascii=False).encode(),
        gzip.compress(gzip.compress(text)),
        zstandard.compress(text),
        framed,
        (tmp_path / "database").read_bytes(),
        json.dumps([1, *TOKENS]).encode(),
        ROWS,
    ):
        assert holds(packed, FORMS), packed
    assert not holds(b"Jane Doe lives elsewhere", FORMS)


class TestPurge:
    def test_leaves_no_byte_of_a_text_and_its_tokens_anywhere(
        self, erase: Erase, launches: Launches, workspace: Path
    ) -> None:
        before = places_of(workspace, FORMS)
        # Records, report; statistics; tokens, their statistics; rows as text; predictions;
        # what the caches, logs and dead runs have.
        assert len(before) == 7 + 7, before
        status, out, err = erase("--purge", "d")
        assert (status, err) == (0, "")
        assert "purged " in out
        assert places_of(workspace, FORMS) == []
        third = launch(launches, "third", "a", "b", "c")
        assert places_of(workspace, FORMS) == []
        assert launches.versions.latest() == third

    def test_keeps_no_name_and_no_plain_digest(
        self, erase: Erase, launches: Launches, workspace: Path
    ) -> None:
        assert erase("d")[0] == 0
        (workspace / "erasures").mkdir()
        (workspace / "erasures" / f"{sha256_text('d')}.json").write_text("{}")
        digest = json.loads(index("d"))["digest"]
        names = [text.encode() for text in (sha256_text("d"), digest, "d.story")]
        assert "metadata.sqlite" in places_of(workspace, names)
        assert erase("--purge", "d")[0] == 0
        assert places_of(workspace, names) == []
        # What the store says is bound together still.
        assert list(altered_events(launches.store)) == []

    def test_says_of_what_is_gone_that_it_was_erased(
        self, erase: Erase, launches: Launches, capsys: pytest.CaptureFixture[str]
    ) -> None:
        erase("--purge", "d")
        config = ["--config", str(launches.config_file)]
        capsys.readouterr()
        assert cli.main([*config, "lineage", "show", "latest", "--json"]) == 0
        shown = document_of("lineage-show", capsys.readouterr().out)
        erased = {each["type"] for each in shown["artifacts"] if each["erased"]}
        assert erased == {
            "Examples",
            "RecordIndex",
            "CorpusReport",
            "ExampleStatistics",
            "ExampleAnomalies",
            "TokenStatistics",
            "ModelRun",
            "ModelEvaluation",
        }
        assert not any(each["collected"] for each in shown["artifacts"])
        assert cli.main([*config, "lineage", "show", "latest"]) == 0
        assert " erased 20" in capsys.readouterr().out
        assert cli.main([*config, "status"]) == 0
        assert " erased 20" in capsys.readouterr().out
        assert cli.main([*config, "lineage", "verify", "latest", "--json"]) == 0
        verified = document_of("lineage-verify", capsys.readouterr().out)
        assert (verified["mismatches"], len(verified["erased"])) == ([], 9)

    def test_leaves_corpora_that_never_had_it_and_pushed_versions_as_they_were(
        self, erase: Erase, launches: Launches, capsys: pytest.CaptureFixture[str]
    ) -> None:
        first, _ = launches.versions.names()
        before = snapshot(launches.versions.folder)
        erase("--purge", "d")
        capsys.readouterr()
        assert snapshot(launches.versions.folder) == before
        config = ["--config", str(launches.config_file)]
        cli.main([*config, "lineage", "verify", first, "--json"])
        verified = document_of("lineage-verify", capsys.readouterr().out)
        assert verified["erased"] == verified["collected"] == []
        # The corpus has changed since it was pushed.
        assert {Path(each["path"]).parent.name for each in verified["mismatches"]} <= {"corpus"}

    def test_what_is_needed_again_is_made_again(
        self, erase: Erase, launches: Launches, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (launches.config_file.parent / "corpus" / "out.txt").write_text("d\n")
        launch(launches, "still", "a", "b", "c", "d")
        erase("--purge", "d")
        capsys.readouterr()
        assert cli.main(["--config", str(launches.config_file), "plan"]) == 0
        assert "was erased by a purge on 20" in capsys.readouterr().out
        launch(launches, "again", "a", "b", "c")
        assert "CorpusGen" in launches.launched

    def test_takes_what_shows_a_document_that_was_dropped(
        self, erase: Erase, launches: Launches, workspace: Path
    ) -> None:
        """It is in no index, and the corpus' page may show how it begins."""
        newest = max(
            (workspace / "artifacts/CorpusGen/report").iterdir(), key=lambda p: int(p.name)
        )
        (newest / "drops").mkdir()
        drop = {"id": "gone", "source": "gone.story", "reason": "no_highlight", "detail": ""}
        (newest / "drops" / "records-00000.jsonl").write_text(json.dumps(drop) + "\n")
        (newest / "corpus.html").write_text("How it begins.")
        status, _, err = erase("--purge", "never-there")
        assert (status, "never-there: no corpus" in err) == (1, True)
        assert erase("--purge", "gone")[0] == 0
        assert places_of(workspace, [b"How it begins.", b"gone.story"]) == []
        # What was left out by name shows nothing, and is not made again for it.
        launches.run("run-without")
        (kept,) = (workspace / "artifacts/CorpusGen/report").glob(
            str(max(int(p.name) for p in newest.parent.iterdir() if p.name.isdecimal()))
        )
        (kept / "drops").mkdir()
        excluded = {**drop, "reason": "excluded"}
        (kept / "drops" / "records-00000.jsonl").write_text(json.dumps(excluded) + "\n")
        assert erase("--purge", "gone")[0] == 0
        assert kept.is_dir()

    def test_nobody_trains_again_for_a_page_that_was_erased(
        self, erase: Erase, launches: Launches
    ) -> None:
        """Where the rows are what they were without the record, which the Tokenizer had no place for."""
        erase("--purge", "d")
        launches.results["Tokenizer"] = ROWS
        launches.run("run-again")
        assert "Tokenizer" in launches.launched
        assert "Trainer" not in launches.launched

    def test_other_records_of_the_corpus_are_traced_as_before(
        self, erase: Erase, launches: Launches, capsys: pytest.CaptureFixture[str]
    ) -> None:
        config = ["--config", str(launches.config_file), "lineage"]

        def traced(name: str) -> Any:
            capsys.readouterr()
            status = cli.main([*config, "trace", name, "--json"])
            return status, document_of("lineage-trace", capsys.readouterr().out)

        before = traced("b")
        erase("--purge", "d")
        assert traced("b") == before
        assert traced("d")[1]["not_looked_at"] == []
        erase("--purge", "b")
        assert traced("b")[1]["examples"] == []
        assert traced("a")[1]["examples"] != []

    def test_numbers_stay_and_names_do_not(
        self, erase: Erase, launches: Launches, workspace: Path
    ) -> None:
        drops = {"count": 1, "first": [{"id": "jane.doe", "source": "x", "detail": SECRET}]}
        files = {
            "CorpusGen/report": (
                "drops.json",
                {
                    "splits": {"train": 3},
                    "dropped": 1,
                    "reasons": {"empty": drops},
                    "duplicates": {"count": 0, "first": []},
                    "leaks": {"count": 2, "first": [{"count": 2, "first": [{"id": "jane.doe"}]}]},
                    "exclude_unmatched": ["jane.doe"],
                },
            ),
            "Evaluator/evaluation": (
                "metrics.json",
                {"blessed": True, "split": "test", "checks": [], "note": "", "champion": None},
            ),
            "Trainer/model_run": (
                "history.json",
                {"step": 3, "parameters": 5, "seconds": 1.5, "device": "", "precision": ""},
            ),
        }
        for place, (name, document) in files.items():
            for folder in (workspace / "artifacts" / place).iterdir():
                if folder.name.isdecimal():
                    (folder / name).write_text(json.dumps(document))
        pushed = pushed_artifact(launches.store, launches.versions.names()[1])
        before = show(launches.store, pushed)
        erase("--purge", "d")
        after = show(launches.store, pushed)
        for part in ("corpus_report", "decision", "metrics", "training"):
            assert after[part] == before[part] is not None
        named = places_of(workspace / "artifacts", [b"jane.doe"])
        assert named
        assert not [place for place in named if ".redacted" in place]

    def test_a_trace_with_the_key_leads_to_the_models_and_without_it_nowhere(
        self,
        erase: Erase,
        launches: Launches,
        capsys: pytest.CaptureFixture[str],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        erase("--purge", "d")
        config = ["--config", str(launches.config_file), "lineage", "trace", "d"]
        capsys.readouterr()
        assert cli.main([*config, "--json"]) == 0
        document = document_of("lineage-trace", capsys.readouterr().out)
        assert (document["record"], document["examples"]) == (None, [])
        pushed = [version for model in document["models"] for version in model["pushed"]]
        assert pushed == [launches.versions.names()[1]]
        assert document["erased"] > 0
        assert cli.main(config) == 0
        assert "erased   asked for on 20" in capsys.readouterr().out
        monkeypatch.delenv(KEY_VARIABLE)
        assert cli.main([*config, "--json"]) == 1
        assert document_of("lineage-trace", capsys.readouterr().out)["erased"] is None

    def test_reaches_what_other_pipelines_of_the_workspace_made(
        self, erase: Erase, launches: Launches, workspace: Path
    ) -> None:
        launches.results["Tokenizer"] = b"other " + ROWS
        launches.run("run-other", None, "name=other", "tokens.sequence_length=64")
        assert any("Tokenizer" in place for place in places_of(workspace, [b"other " + ROWS]))
        assert erase("--purge", "d")[0] == 0
        assert places_of(workspace, FORMS) == []

    def test_gc_removes_what_is_left_of_an_index_when_nothing_needs_it(
        self, erase: Erase, launches: Launches, workspace: Path
    ) -> None:
        erase("--purge", "d")
        launch(launches, "third", "a", "b", "c")
        config = ["--config", str(launches.config_file), "gc", "--keep", "1"]
        left = "artifacts/CorpusGen/index/*.redacted"
        assert cli.main(config) == 0
        assert [*workspace.glob(left)]
        assert cli.main([*config, "--purge-lineage"]) == 0
        assert not [*workspace.glob(left)]

    def test_who_has_the_key_is_told_what_had_the_record(
        self, erase: Erase, launches: Launches, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        _, second = launches.versions.names()
        output = tmp_path / "dossier.json"
        erase("--purge", "d")
        for arguments in (["d"], ["--purge", "d"]):
            assert erase(*arguments, "-o", str(output))[0] == 0
            document = document_of("erasure-dossier", output.read_text())
            (asked,) = document["asked"]
            assert (asked["keyed"], len(asked["records"])) == (True, 1)
            pushed = [each["version"] for model in document["models"] for each in model["pushed"]]
            assert pushed == [second]
            assert len(document["purged"]["artifacts"]) == 9
        assert len(list(launches.store.erasures())) == 1
        monkeypatch.setenv(KEY_VARIABLE, "0e" * 32)
        status, _, err = erase("d")
        assert (status, "d: no corpus of this workspace holds" in err) == (1, True)

    def test_the_run_that_replaces_it_writes_the_dossier(
        self, erase: Erase, launches: Launches
    ) -> None:
        erase("--purge", "d")
        third = launch(launches, "third", "a", "b", "c")
        (path,) = write_dossiers(load_config(launches.config_file))
        document = document_of("erasure-dossier", path.read_text())
        assert document["replacement"]["version"] == third
        assert document["purged"]["artifacts"]
        assert not any("records, tokens" in each["what"] for each in document["remains"])
        assert any("logs of a database" in each["what"] for each in document["remains"])

    def test_its_dossier_is_signed_where_there_is_a_key(
        self, erase: Erase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        private, public = key_pair(tmp_path, "signing")
        monkeypatch.setenv(SIGNING_KEY, str(private))
        output = tmp_path / "dossier.json"
        assert erase("--purge", "d", "-o", str(output))[0] == 0
        envelope = json.loads((tmp_path / "dossier.json.dsse").read_text())
        check_signed(envelope, read_public_key(public))
        statement = statement_of(payload_of(envelope))
        assert subject_digest(statement) == sha256_bytes(output.read_bytes())
        assert statement["predicate"] == json.loads(output.read_text())
        monkeypatch.delenv(SIGNING_KEY)
        assert erase("d", "-o", str(output))[0] == 0
        assert not (tmp_path / "dossier.json.dsse").exists()

    def test_the_salts_of_the_records_are_deleted_and_no_others(
        self, erase: Erase, workspace: Path
    ) -> None:
        lines = map(json.loads, index("a", "d").splitlines())
        kept, erased = (SaltedRecord(line["id"], line["digest"]) for line in lines)
        salts = Salts(workspace, writes=True)
        salts.of([kept, erased])
        salts.commit()
        salts.close()
        erase("--purge", "d")
        salts = Salts(workspace)
        assert (salts.find(kept) is None, salts.find(erased)) == (False, None)
        salts.close()


class TestBeingKilled:
    """The process is killed before a step: a write to the store, what it removes, leaves or writes anew."""

    def check(self, folder: Path, step: int) -> bool:
        """Kill a purge, and let the next one end; returns whether it came so far."""
        clock = Clock()
        killed = MortalLaunches(folder / "pipeline.yaml", Process(1, clock))
        killed.process.dies_before = step
        try:
            killed.purge("d")
        except Death:
            pass
        else:
            return False
        MortalLaunches(folder / "pipeline.yaml", Process(2, clock)).purge("d")
        workspace = folder / "workspace"
        assert places_of(workspace, FORMS) == []
        assert places_of(workspace, [sha256_text("d").encode(), b"d.story"]) == []
        store = Launches(folder / "pipeline.yaml").store
        second = pushed_artifact(store, Launches(folder / "pipeline.yaml").versions.names()[1])
        assert sum(bool(each["erased"]) for each in show(store, second)["artifacts"]) == 9
        assert list(altered_events(store)) == []
        return True

    @pytest.mark.parametrize("step", [8, 30])
    def test_leaves_what_the_next_one_goes_on_with(self, launches: Launches, step: int) -> None:
        assert self.check(launches.config_file.parent, step)

    @pytest.mark.long
    def test_before_any_step(
        self, template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv(KEY_VARIABLE, "0f" * 32)
        for step in range(1, 200):
            shutil.copytree(template, tmp_path / str(step), symlinks=True)
            if not self.check(tmp_path / str(step), step):
                break
            shutil.rmtree(tmp_path / str(step))
        assert 40 < step < 199


@pytest.mark.long
@pytest.mark.parametrize("server", ["postgresql", "mariadb"])
def test_a_store_on_a_server_forgets_the_plain_digests_and_its_dossier_names_what_remains(
    server: str,
    request: pytest.FixtureRequest,
    write_config: WriteConfig,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(KEY_VARIABLE, "0f" * 32)
    section = "corpus: {task: text, path: corpus, exclude_file: out.txt}"
    config = write_config(f"store: {request.getfixturevalue(server)}\n{section}\n")
    launches = Launches(config)
    launch(launches, "first", "a", "b", "c", "d")
    command, output = ["--config", str(config), "erase"], tmp_path / "dossier.json"
    assert cli.main([*command, "d"]) == 0
    assert cli.main([*command, "--purge", "d", "-o", str(output)]) == 0
    (known,) = launches.store.erasures()
    assert known.key
    assert sha256_text("d") not in (known.name, *known.records)
    assert list(altered_events(launches.store)) == []
    workspace = config.parent / "workspace"
    assert places_of(workspace, [*FORMS, sha256_text("d").encode()]) == []
    remains = document_of("erasure-dossier", output.read_text())["remains"]
    assert any("VACUUM FULL" in each["reason"] for each in remains)


def test_a_server_is_not_written_anew(tmp_path: Path) -> None:
    assert not vacuum(connection_config("postgresql://user@localhost/store", tmp_path))


class TestTheKey:
    def test_is_asked_for_before_anything_is_changed(
        self, erase: Erase, launches: Launches, workspace: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (workspace / "key").write_text("x" * 40)
        short = launches.config_file.parent / "short"
        short.write_text("x" * 31 + "\n")
        for value, says in (
            ("", "is not set"),
            ("secret", "neither the path"),
            (str(short), "has 31 bytes"),
            (str(workspace / "key"), "is in the workspace"),
        ):
            monkeypatch.setenv(KEY_VARIABLE, value)
            status, out, err = erase("--purge", "d")
            assert (status, out) == (2, "")
            assert says in err
        assert (launches.config_file.parent / "corpus" / "out.txt").read_text() == ""
        assert list(launches.store.erasures()) == []

    def test_is_in_no_file(self, erase: Erase, workspace: Path, tmp_path: Path) -> None:
        erase("--purge", "d", "-o", str(tmp_path / "dossier.json"))
        key = [os.environ[KEY_VARIABLE].encode(), bytes.fromhex(os.environ[KEY_VARIABLE])]
        assert places_of(tmp_path, key) == []

    def test_a_restored_corpus_brings_nothing_back_and_without_the_key_nothing_runs(
        self, erase: Erase, launches: Launches, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        out = launches.config_file.parent / "corpus" / "out.txt"
        erase("--purge", "d")
        out.write_text("")
        with pytest.raises(InputError, match="1 of 1 are missing"):
            launches.run("run-restored")
        out.write_text("d\n")
        for value, says in (("", "not set"), ("0e" * 32, "another key")):
            monkeypatch.setenv(KEY_VARIABLE, value)
            with pytest.raises(InputError, match=f"{KEY_VARIABLE}: {says}"):
                launches.run("run-without")
        assert launches.launched == []
