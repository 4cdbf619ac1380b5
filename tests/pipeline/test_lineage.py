import json
from pathlib import Path
from typing import Any

import pytest

from pipeline import cli
from pipeline.code_snapshot import CodeSnapshot
from pipeline.lineage import executions_behind, pushed_artifact, show
from pipeline.serving_pointer import ServingPointer
from pipeline.store import Store
from tests.pipeline.launches import Launches
from tests.pipeline.schemas import document_of
from tests.pipeline.tfx_records import complete


def test_the_champion_stands_beside_a_model_and_not_behind_it(tmp_path: Path) -> None:
    store = Store("gpt2", None, tmp_path)
    store.start_run("run-1", {"pipeline": "gpt2"})

    def step(node: str, key: str, kind: str, **inputs: int) -> int:
        _, made = complete(
            store, node, key, "run-1", {"out": (kind, f"/{node}/{key}")}, inputs, digest=key
        )
        return made["out"]

    old_corpus = step("CorpusGen", "old", "Examples")
    old_model = step("Trainer", "old", "Model", examples=old_corpus)
    champion = step("Pusher", "old", "PushedModel", model=old_model)
    corpus = step("CorpusGen", "new", "Examples")
    model = step("Trainer", "new", "Model", examples=corpus)
    evaluation = step(
        "Evaluator", "new", "ModelEvaluation", champion=champion, examples=corpus, model=model
    )
    artifacts = {artifact.id: artifact for artifact in store.artifacts("ModelEvaluation")}
    behind = executions_behind(store, {"evaluation": artifacts[evaluation]})
    assert [(execution.node, execution.key) for execution in behind] == [
        ("CorpusGen", "new"),
        ("Trainer", "new"),
        ("Evaluator", "new"),
    ]


def test_what_the_model_was_made_of_comes_first(tmp_path: Path) -> None:
    """Of two executions with equal results, one read by the Trainer, the other by a later Evaluator."""
    store = Store("gpt2", None, tmp_path)
    store.start_run("run-1", {"pipeline": "gpt2"})
    ids = {}
    for key in ("again", "read"):
        _, made = complete(store, "CorpusGen", key, "run-1", {"examples": ("Examples", f"/{key}")})
        ids[key] = made["examples"]
    _, made = complete(
        store, "Trainer", "t", "run-1", {"model": ("Model", "/m")}, {"examples": ids["read"]}
    )
    (model,) = store.artifacts("Model")
    examples = {artifact.id: artifact for artifact in store.artifacts("Examples")}
    behind = executions_behind(store, {"examples": examples[ids["again"]], "model": model})
    assert [execution.key for execution in behind] == ["read", "t", "again"]


class TestAfterReuse:
    """A run with `seed: 1`, then one with another seed: CorpusGen makes the same, so the Tokenizer is reused."""

    @pytest.fixture
    def reseeded(self, launches: Launches) -> Launches:
        launches.results["Trainer"] = "one"
        launches.run("run-1", None, "seed=1")
        launches.results["Trainer"] = "two"
        result = launches.run("run-2", None, "seed=2")
        assert launches.launched == ["CorpusGen", "Trainer", "Evaluator", "Attest", "Pusher"]
        assert result.nodes["Tokenizer"] == "cached"
        return launches

    def statement(self, launches: Launches, run_id: str) -> dict[str, Any]:
        """What Attest was handed."""
        logs = launches.config_file.parent / "workspace" / "logs"
        return json.loads((logs / run_id / "lineage.json").read_text())

    def shown(self, launches: Launches) -> dict[str, Any]:
        latest = launches.versions.latest()
        assert latest is not None
        return show(launches.store, pushed_artifact(launches.store, latest))

    def test_each_node_says_what_it_was_made_with(self, reseeded: Launches) -> None:
        for document in (self.statement(reseeded, "run-2"), self.shown(reseeded)):
            seeds = [(node["node"], node["parameters"].get("seed")) for node in document["nodes"]]
            assert ("Trainer", 2) in seeds
            assert ("Trainer", 1) not in seeds
            # The model's records are of the first, the evaluation's of the second.
            assert sorted(seed for name, seed in seeds if name == "CorpusGen") == [1, 2]

    def test_the_model_is_said_to_be_of_the_seed_that_its_trainer_had(
        self, reseeded: Launches
    ) -> None:
        assert self.statement(reseeded, "run-1")["parameters"]["seed"] == 1
        assert self.statement(reseeded, "run-2")["parameters"]["seed"] == 2
        assert self.shown(reseeded)["parameters"]["seed"] == 2

    def test_the_graph_leads_from_the_trainer_to_the_records_that_were_read(
        self, reseeded: Launches
    ) -> None:
        nodes = self.statement(reseeded, "run-2")["nodes"]
        by_key = {node["key"]: node for node in nodes}
        (trainer,) = (node for node in nodes if node["node"] == "Trainer")
        tokenizer = by_key[trainer["inputs"]["examples"]["key"]]
        corpus = by_key[tokenizer["inputs"]["examples"]["key"]]
        assert (tokenizer["node"], corpus["node"]) == ("Tokenizer", "CorpusGen")
        assert corpus["parameters"]["seed"] == 1
        (evaluator,) = (node for node in nodes if node["node"] == "Evaluator")
        assert by_key[evaluator["inputs"]["examples"]["key"]]["parameters"]["seed"] == 2

    def test_what_evaluates_a_model_is_no_part_of_it(self, reseeded: Launches) -> None:
        parameters = self.statement(reseeded, "run-2")["parameters"]
        assert not [name for name in parameters if name.startswith("evaluation.")]

    def test_the_lineage_for_people_names_the_difference(
        self, reseeded: Launches, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert cli.main(["--config", str(reseeded.config_file), "lineage", "show", "latest"]) == 0
        changed, line = (
            line for line in capsys.readouterr().out.splitlines() if line.startswith("  seed:")
        )
        assert changed == "  seed: 2 (default 1)"
        assert line.startswith("  seed: 2; CorpusGen (execution ")
        assert line.endswith("): 1")


def test_code_is_told_of_each_node_and_of_the_model_as_its_trainer_had_it(
    launches: Launches, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A merge over nodes would name a set of files that never was."""
    edited: dict[str, str] = {}
    genuine = CodeSnapshot.reached

    def reached(self: CodeSnapshot, module: str, files: Any = ()) -> dict[str, str]:
        found = genuine(self, module, files)
        return {name: edited.get(module, digest) for name, digest in found.items()}

    monkeypatch.setattr(CodeSnapshot, "reached", reached)
    launches.run("run-1")
    edited["components.evaluator"] = "e" * 64
    launches.results["Evaluator"] = "other scores"
    launches.run("run-2")
    document = show(
        launches.store, pushed_artifact(launches.store, launches.versions.latest() or "")
    )
    code = {node["node"]: node["code"] for node in document["nodes"]}
    assert set(code["Evaluator"]["files"].values()) == {"e" * 64}
    assert "e" * 64 not in code["Trainer"]["files"].values()
    assert document["code"]["digest"] == code["Trainer"]["digest"]


def test_the_base_model_is_the_one_that_the_trainer_read(
    launches: Launches, tmp_path: Path
) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "weights").write_text(name)
    shown = []
    for name in ("one", "two"):
        launches.results["BaseModel"] = launches.results["Trainer"] = name
        version = launches.run(f"run-{name}", None, f"model.base={name}").pushed
        shown.append(show(launches.store, pushed_artifact(launches.store, str(version))))
    importers = [node for node in shown[1]["nodes"] if node["node"] == "BaseModel"]
    assert [node["externals"]["base_model"] for node in importers] == [
        shown[1]["base_model"]["digest"]
    ]
    assert shown[0]["base_model"]["digest"] != shown[1]["base_model"]["digest"]
    assert shown[1]["base_model"]["uri"] != shown[0]["base_model"]["uri"]


def test_what_was_served_when_is_shown_with_the_model(
    launches: Launches, capsys: pytest.CaptureFixture[str]
) -> None:
    config = ["--config", str(launches.config_file)]
    launches.results["Trainer"] = "one"
    one = launches.run("run-1").pushed
    launches.results["Trainer"] = "two"
    two = launches.run("run-2", None, "training.steps=9").pushed
    assert one is not None
    ServingPointer(launches.store, launches.versions).roll_back(one, "me")

    def served(version: str | None) -> list[tuple[str, bool]]:
        assert cli.main([*config, "lineage", "show", str(version), "--json"]) == 0
        document = document_of("lineage-show", capsys.readouterr().out)
        return [(time["cause"], time["until"] is None) for time in document["served"]]

    assert served(one) == [("run run-1", False), ("me", True)]
    assert served(two) == [("run run-2", False)]
    assert cli.main([*config, "lineage", "show", "latest"]) == 0
    assert " to now, by me" in capsys.readouterr().out


class TestWhatIsSaidStays:
    """Whatever happens afterwards, a version is said to be made of what it was made of."""

    @pytest.fixture
    def pushed(self, launches: Launches) -> Launches:
        """Two versions, of which the second is served."""
        launches.results["Trainer"] = "one"
        launches.run("run-1", None, "seed=1")
        launches.results["Trainer"] = "two"
        launches.run("run-2", None, "seed=2")
        return launches

    def shown(self, launches: Launches, version: str) -> dict[str, Any]:
        return show(launches.store, pushed_artifact(launches.store, version))

    def versions(self, launches: Launches) -> tuple[str, str]:
        first, second = launches.versions.names()
        return first, second

    def test_after_a_rollback_and_a_champion(self, pushed: Launches) -> None:
        first, second = self.versions(pushed)
        before = [self.shown(pushed, version) for version in (first, second)]
        ServingPointer(pushed.store, pushed.versions).roll_back(first, "me")
        pushed.results["Trainer"] = "three"
        # Compared with the champion that the rollback has made of the first.
        pushed.run("run-3", None, "seed=3")
        assert [self.shown(pushed, version) for version in (first, second)] == before
        assert before[1]["parameters"]["seed"] == 2

    def test_after_a_rerun_that_gave_equal_bytes(self, pushed: Launches) -> None:
        """Another seed, and by chance the same model: the version is the one of the seed that made it."""
        _, second = self.versions(pushed)
        before = self.shown(pushed, second)
        result = pushed.run("run-3", None, "seed=3")
        assert (result.nodes["Trainer"], result.nodes["Pusher"]) == ("run", "cached")
        assert self.shown(pushed, second) == before

    def test_after_a_file_of_the_corpus_was_deleted(self, pushed: Launches) -> None:
        _, second = self.versions(pushed)
        before = self.shown(pushed, second)
        (pushed.config_file.parent / "corpus" / "one.txt").unlink()
        (pushed.config_file.parent / "corpus" / "two.txt").write_text("Other prose.\n")
        pushed.results |= {"CorpusGen": "other", "Tokenizer": "other", "Trainer": "three"}
        third = pushed.run("run-3", None, "seed=2").pushed
        assert third is not None
        assert self.shown(pushed, second) == before
        assert self.shown(pushed, str(third))["corpus"]["digest"] != before["corpus"]["digest"]
