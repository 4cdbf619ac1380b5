"""What the artifacts behind a model say beyond the store."""

import json
from pathlib import Path
from typing import Any, ClassVar

from pipeline.config import Config, LoadedConfig
from pipeline.keys import Ingredients
from pipeline.lineage import facts
from pipeline.store import StoredArtifact, StoredExecution


def execution(
    folder: Path, output: str, name: str, document: Any, inputs: Any = None, **parameters: Any
) -> StoredExecution:
    """An execution with one output that holds one document."""
    if document is not None:
        (folder / name).write_text(document if isinstance(document, str) else json.dumps(document))
    ingredients = Ingredients({}, parameters, {}, {}, {})
    artifact = StoredArtifact(1, "Any", str(folder))
    properties = ingredients.to_properties()
    return StoredExecution(1, "Any", "COMPLETE", properties, inputs or {}, {output: artifact})


HISTORY = {"step": 10, "parameters": 7, "seconds": 2.5, "device": "a CPU", "precision": "float32"}


class TestTraining:
    def test_tokens_are_those_of_all_rows_and_operations_six_for_each_weight(
        self, tmp_path: Path
    ) -> None:
        rows = {"training.batch_size": 4, "training.accumulate": 3, "tokens.sequence_length": 5}
        trainer = execution(tmp_path, "model_run", "history.json", HISTORY, **rows)
        found = facts.training(trainer)
        assert found is not None
        assert found["tokens"] == 10 * 4 * 3 * 5
        assert found["operations"] == 6 * 7 * 600
        assert (found["steps"], found["device"], found["energy_joules"]) == (10, "a CPU", None)

    def test_energy_is_told_with_what_it_is_of(self, tmp_path: Path) -> None:
        measured = {**HISTORY, "joules": 12.5, "energy_of": ["processor"]}
        trainer = execution(
            tmp_path, "model_run", "history.json", measured, **{"tokens.sequence_length": 5}
        )
        found = facts.training(trainer)
        assert found is not None
        assert (found["energy_joules"], found["energy_of"]) == (12.5, ["processor"])

    def test_is_unknown_where_the_history_is_gone_or_damaged(self, tmp_path: Path) -> None:
        for document in (None, "{"):
            trainer = execution(tmp_path, "model_run", "history.json", document)
            assert facts.training(trainer) is None


class TestTheCorpus:
    def test_counts_what_was_dropped_and_copied(self, tmp_path: Path) -> None:
        report = {
            "splits": {"train": 3},
            "dropped": 2,
            "reasons": {"empty": {"count": 2, "first": [{"id": "a", "source": "a", "detail": ""}]}},
            "duplicates": {"count": 1, "first": []},
            "leaks": {"count": 4, "first": []},
        }
        assert facts.corpus_report(execution(tmp_path, "report", "drops.json", report)) == {
            "splits": {"train": 3},
            "dropped": 2,
            "reasons": {"empty": 2},
            "duplicates": 1,
            "leaks": 4,
        }


class TestTheDecision:
    SCORED: ClassVar[dict[str, Any]] = {
        "blessed": False,
        "split": "test",
        "checks": [{"metric": "perplexity", "passed": False, "wanted": "at most 3", "value": 4.0}],
        "note": "",
        "champion": {"perplexity": 3.0},
    }

    def test_names_the_champion_with_its_scores(self, tmp_path: Path) -> None:
        properties = {"pushed_version": "9", "model_digest": "d" * 64}
        champion = {"champion": StoredArtifact(2, "PushedModel", "/", properties)}
        found = facts.decision(
            execution(tmp_path, "evaluation", "metrics.json", self.SCORED, champion)
        )
        assert found is not None
        assert found["blessed"] is False
        assert found["champion"] == {
            "version": "9",
            "digest": "d" * 64,
            "metrics": {"perplexity": 3.0},
        }

    def test_without_a_champion_names_none(self, tmp_path: Path) -> None:
        scored = {**self.SCORED, "champion": None}
        found = facts.decision(execution(tmp_path, "evaluation", "metrics.json", scored))
        assert found is not None
        assert found["champion"] is None


def test_parameters_that_are_not_the_defaults_are_told_with_both() -> None:
    parameters = LoadedConfig(Config(), Path()).flat()
    assert facts.changed_parameters(parameters) == {}
    assert facts.changed_parameters({**parameters, "seed": 7, "training.steps": 5}) == {
        "seed": {"value": 7, "default": 1},
        "training.steps": {"value": 5, "default": None},
    }
