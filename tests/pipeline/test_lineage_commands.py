"""`lineage list`, `trace`, `diff` and `verify` over a history of five models."""

import io
import json
import os
import random
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline import cli
from pipeline.lineage import pushed_artifact
from pipeline.lineage.training_set import training_set_behind
from preprocessing.base.digests import sha256_text
from preprocessing.tokens.statistics import DROPPED_FILE
from tests.pipeline.corpus_index import TEXTS, index
from tests.pipeline.launches import Launches
from tests.pipeline.schemas import document_of


@pytest.fixture
def launches(five_models_of_each_store: tuple[Path, dict[str, str]], tmp_path: Path) -> Launches:
    """A copy of the folder of five models."""
    shutil.copytree(five_models_of_each_store[0], tmp_path / "copy", symlinks=True)
    return Launches(tmp_path / "copy" / "pipeline.yaml")


@pytest.fixture
def history(
    five_models_of_each_store: tuple[Path, dict[str, str]], launches: Launches
) -> dict[str, str]:
    """Name -> version."""
    return five_models_of_each_store[1]


Ask = Callable[..., tuple[int, Any]]


@pytest.fixture
def ask(launches: Launches, capsys: pytest.CaptureFixture[str]) -> Ask:
    """Asks a command of lineage; returns its status and its document."""

    def call(action: str, *arguments: str) -> tuple[int, Any]:
        config = ["--config", str(launches.config_file)]
        capsys.readouterr()
        assert cli.main([*config, "lineage", action, *arguments]) in (0, 1)
        assert capsys.readouterr().out.strip()
        status = cli.main([*config, "lineage", action, *arguments, "--json"])
        return status, document_of(f"lineage-{action}", capsys.readouterr().out)

    return call


class TestTrace:
    def pushed(self, document: Any) -> list[str]:
        return sorted(version for model in document["models"] for version in model["pushed"])

    def test_leads_from_an_id_to_every_model_that_was_trained_on_it(
        self, history: dict[str, str], ask: Ask
    ) -> None:
        status, document = ask("trace", "d")
        assert status == 0
        assert self.pushed(document) == sorted([history["more"], history["longer"]])
        assert document["record"]["source"] == "d.story"
        for model in document["models"]:
            (rows,) = model["rows"]
            assert rows.endswith("/Split-train/rows-00000-000.tfrecord")
            assert "/Tokenizer/tokens/" in rows
        assert len(document["examples"]) == 1

    def test_tells_models_that_were_never_pushed_too(
        self, history: dict[str, str], ask: Ask
    ) -> None:
        _, document = ask("trace", 'e"\\ é')
        assert sorted(len(model["pushed"]) for model in document["models"]) == [0, 1]

    def test_finds_all_records_of_a_file_and_by_digest_and_text(
        self, history: dict[str, str], ask: Ask, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        wanted = sorted(history[name] for name in ("first", "more", "longer"))
        digest = sha256_text(TEXTS["b"])
        for arguments in (
            ["b.story"],
            ["--digest", digest],
            ["--digest", digest[:10].upper()],
            ["--text", TEXTS["b"]],
            ["--text", TEXTS["b"].replace(" ", "  ")],
        ):
            assert self.pushed(ask("trace", *arguments)[1]) == wanted, arguments
        monkeypatch.setattr(sys, "stdin", io.StringIO(TEXTS["b"]))
        assert cli.main(["--config", self.config(ask), "lineage", "trace", "--text", "-"]) == 0

    def config(self, ask: Ask) -> str:
        """The configuration that `ask` asks with."""
        (launches,) = (
            c.cell_contents for c in ask.__closure__ or () if isinstance(c.cell_contents, Launches)
        )
        return str(launches.config_file)

    def test_tells_versions_of_one_record_apart(self, history: dict[str, str], ask: Ask) -> None:
        _, document = ask("trace", "--digest", sha256_text(TEXTS["a"] + " Edited."))
        assert self.pushed(document) == [history["less"]]
        assert len(ask("trace", "a")[1]["records"]) == 2

    def test_a_record_that_is_held_out_is_in_no_training_set(
        self, history: dict[str, str], ask: Ask
    ) -> None:
        status, document = ask("trace", "c")
        assert (status, document["models"]) == (0, [])
        assert len(document["examples"]) == 3

    @pytest.mark.parametrize(
        "arguments", [["z"], ["tide"], ["--digest", "0" * 64], ["--text", "Never."], ["a.stor"]]
    )
    def test_what_never_was_is_not_found(
        self, history: dict[str, str], ask: Ask, arguments: list[str]
    ) -> None:
        status, document = ask("trace", *arguments)
        assert (status, document["record"], document["models"]) == (1, None, [])

    def test_needs_no_corpus_and_says_what_it_could_not_look_at(
        self, history: dict[str, str], ask: Ask, launches: Launches
    ) -> None:
        workspace = launches.config_file.parent / "workspace"
        shutil.rmtree(launches.config_file.parent / "corpus")
        newest = max((workspace / "artifacts/CorpusGen/index").iterdir(), key=lambda p: int(p.name))
        shutil.rmtree(newest)
        status, document = ask("trace", "d")
        assert status == 0
        assert document["not_looked_at"] == [
            str(workspace / "artifacts/CorpusGen/examples" / newest.name)
        ]

    @pytest.mark.parametrize(
        "arguments", [["--digest", "12"], ["--digest", "xyzxyzxyz"], ["--text", " "], [""]]
    )
    def test_what_cannot_be_asked_is_refused(
        self, launches: Launches, capsys: pytest.CaptureFixture[str], arguments: list[str]
    ) -> None:
        config = ["--config", str(launches.config_file)]
        assert cli.main([*config, "lineage", "trace", *arguments]) == 2
        assert "Traceback" not in capsys.readouterr().err


class TestDiff:
    def test_names_records_and_parameters(self, history: dict[str, str], ask: Ask) -> None:
        _, document = ask("diff", history["first"], history["longer"])
        assert document["records"] == {"added": ["d"], "removed": [], "changed": []}
        assert document["parameters"] == {"training.steps": {"a": None, "b": 9}}
        assert document["code"] == document["environment"] == document["base_model"] == {}
        assert set(document["corpus"]) == {"digest"}

    def test_tells_a_changed_record_from_one_that_is_new(
        self, history: dict[str, str], ask: Ask
    ) -> None:
        _, document = ask("diff", history["first"], history["less"])
        assert document["records"] == {"added": ['e"\\ é'], "removed": ["b"], "changed": ["a"]}

    def test_of_a_model_and_itself_is_nothing(self, history: dict[str, str], ask: Ask) -> None:
        _, document = ask("diff", "latest", history["more"])
        assert not any(document[part] for part in ("parameters", "code", "corpus", "scores"))
        assert not any(document["records"].values())

    def test_pairs_what_both_wrote_of_the_same_records(
        self, history: dict[str, str], ask: Ask, launches: Launches
    ) -> None:
        for version, score in ((history["more"], 0.1), (history["longer"], 0.3)):
            _, shown = ask("show", version)
            (uri,) = (a["uri"] for a in shown["artifacts"] if a["type"] == "ModelEvaluation")
            rows = [
                {"record": r, "turn": 1, "references": ["x"], "scores": {"rouge1": score + n / 100}}
                for n, r in enumerate("abcd")
            ]
            Path(uri, "predictions.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
        _, document = ask("diff", history["more"], history["longer"])
        paired = document["paired"]["rouge1"]
        assert (paired["value"], paired["verdict"]) == (pytest.approx(0.2), "better")
        assert ask("diff", history["first"], history["longer"])[1]["paired"] == {}


class TestRecordsThatTheTokenizerDropped:
    """The Tokenizer of the third model had no row for two records of its corpus, one of them held out."""

    @pytest.fixture(autouse=True)
    def dropped(self, history: dict[str, str], ask: Ask, launches: Launches) -> None:
        _, shown = ask("show", history["longer"])
        uris = {a["output"]: a["uri"] for a in shown["artifacts"] if a["node"] == "Tokenizer"}
        lines = [{"split": "train", "id": "b"}, {"split": "test", "id": "c"}]
        text = "".join(json.dumps(line) + "\n" for line in lines)
        Path(uris["statistics"], DROPPED_FILE).write_text(text)

    def test_have_not_reached_its_model(self, history: dict[str, str], ask: Ask) -> None:
        _, document = ask("trace", "b")
        pushed = {version for model in document["models"] for version in model["pushed"]}
        # The second and the third model were made from the same rows.
        assert pushed == {history["first"]}
        assert len(document["examples"]) == 2

    def test_are_not_among_its_records(self, history: dict[str, str], launches: Launches) -> None:
        pushed = pushed_artifact(launches.store, history["longer"])
        training = training_set_behind(launches.store, pushed)
        assert training is not None
        assert training.left_out == {"b"}

    def test_are_a_difference(self, history: dict[str, str], ask: Ask) -> None:
        _, document = ask("diff", history["first"], history["longer"])
        assert document["records"] == {"added": ["d"], "removed": ["b"], "changed": []}


class TestList:
    def test_has_every_version_newest_first_and_when_it_was_served(
        self, history: dict[str, str], ask: Ask
    ) -> None:
        _, document = ask("list")
        models = {model["model"]: model for model in document["models"]}
        assert list(models) == [history[name] for name in ("less", "longer", "more", "first")]
        assert [name for name, model in models.items() if model["latest"]] == [history["more"]]
        assert [time["cause"] for time in models[history["more"]]["served"]] == [
            "run run-more",
            "me",
        ]
        assert all(model["pushed"] for model in models.values())


class TestVerify:
    def test_hashes_every_file_of_the_chain(self, history: dict[str, str], ask: Ask) -> None:
        status, document = ask("verify", history["less"])
        assert (status, document["ok"], document["mismatches"]) == (0, True, [])
        assert document["checked"] > 10

    def test_finds_a_byte_in_any_file_and_names_it(
        self, history: dict[str, str], ask: Ask, launches: Launches
    ) -> None:
        _, shown = ask("show", history["less"])
        artifacts = [each for each in shown["artifacts"] if each["type"] != "PushedModel"]
        folders = [Path(artifact["uri"]) for artifact in artifacts]
        folders.append(launches.versions.path(history["less"]))
        files = [path for folder in folders if folder.is_dir() for path in folder.iterdir()]
        dice = random.Random(1)
        assert len(files) > 12
        for path in files:
            before, stat = path.read_bytes(), path.stat()
            at = dice.randrange(len(before))
            path.write_bytes(before[:at] + bytes([before[at] ^ 1]) + before[at + 1 :])
            os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
            status, document = ask("verify", history["less"])
            assert (status, [m["path"] for m in document["mismatches"]]) == (1, [str(path)])
            path.write_bytes(before)

    def test_names_what_is_missing_and_what_does_not_belong_there(
        self, history: dict[str, str], ask: Ask, launches: Launches
    ) -> None:
        version = launches.versions.path(history["less"])
        (version / "foreign").write_text("x")
        (version / "weights").unlink()
        (launches.config_file.parent / "corpus" / "one.txt").write_text("Four.\n")
        status, document = ask("verify", history["less"])
        assert status == 1
        kinds = {
            Path(m["path"]).name: (bool(m["expected"]), bool(m["actual"]))
            for m in document["mismatches"]
        }
        assert kinds == {
            "foreign": (False, True),
            "weights": (True, False),
            "one.txt": (True, True),
        }

    def test_says_what_it_cannot_check(
        self, history: dict[str, str], ask: Ask, launches: Launches
    ) -> None:
        shutil.rmtree(launches.config_file.parent / "corpus")
        status, document = ask("verify", history["less"])
        assert status == 0
        assert any("corpus" in text for text in document["unknown"])

    def test_a_version_that_never_was_is_refused(
        self, history: dict[str, str], launches: Launches, capsys: pytest.CaptureFixture[str]
    ) -> None:
        config = ["--config", str(launches.config_file)]
        assert cli.main([*config, "lineage", "verify", "999"]) == 2
        assert "999" in capsys.readouterr().err


def test_no_command_of_lineage_writes_anything(
    history: dict[str, str], ask: Ask, launches: Launches
) -> None:
    from tests.pipeline.trees import snapshot

    workspace = launches.config_file.parent / "workspace"
    before = snapshot(workspace)
    for call in (["list"], ["show", "latest"], ["trace", "a"], ["verify", "latest"]):
        ask(*call)
    ask("diff", history["first"], "latest")
    assert snapshot(workspace) == before


def test_an_index_line_is_what_the_trace_looks_for() -> None:
    """The search for bytes takes it as given how a line is written."""
    for line in index(*TEXTS).splitlines():
        assert f'": "{json.dumps(json.loads(line)["id"], ensure_ascii=False)[1:-1]}' in line
