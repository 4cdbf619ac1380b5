"""Scores in the formats of other tools, which `tests/validators` has read by the tools themselves."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import ModelCard

from components.evaluation import Evaluation
from components.exported_scores import lm_eval_results, model_index_head
from components.samples import scores_of, standard_error
from preprocessing.base.errors import InputError
from tests.components.test_written_predictions import GENERATION, SEED, evaluated


def document_of(found: Evaluation) -> dict[str, Any]:
    """What `evaluate --json` says of it."""
    asked = {"model": "latest", "task": "cnn_dailymail", "split": "test", "records": 9}
    return {**asked, **scores_of(found, SEED), "signature": "task:cnn_dailymail|records:3"}


def results_of(found: Evaluation) -> dict[str, Any]:
    errors = {name: standard_error(found, name, SEED) for name in found.metrics}
    return json.loads(lm_eval_results(document_of(found), 3, errors, asdict(GENERATION), SEED))


class TestHarness:
    """A result file of lm-evaluation-harness."""

    @pytest.fixture(scope="class")
    def results(self) -> dict[str, Any]:
        return results_of(evaluated("cnn_dailymail"))

    def test_has_every_score_under_a_task_of_its_own(self, results: dict[str, Any]) -> None:
        found = evaluated("cnn_dailymail")
        scores = results["results"]["gpt2_tfx_cnn_dailymail"]
        assert scores["rouge1,none"] == found.metrics["rouge1"]
        # Nothing was scored by perplexity.
        assert "perplexity,none" not in scores
        assert results["n-samples"]["gpt2_tfx_cnn_dailymail"] == {"original": 9, "effective": 3}
        assert results["higher_is_better"]["gpt2_tfx_cnn_dailymail"]["rougeLsum"] is True

    def test_gives_a_mean_the_error_of_a_mean(self, results: dict[str, Any]) -> None:
        """The bootstrap's of three records is that of the formula with n in place of n - 1."""
        scores = [p.scores["rouge1"] for p in evaluated("cnn_dailymail").predictions]
        mean = sum(scores) / 3
        error = (sum((score - mean) ** 2 for score in scores) / 3 / 3) ** 0.5
        found = results["results"]["gpt2_tfx_cnn_dailymail"]["rouge1_stderr,none"]
        assert found == pytest.approx(error, rel=0.03)

    def test_of_one_record_has_no_error(self) -> None:
        scores = results_of(evaluated("coqa"))["results"]["gpt2_tfx_cnn_dailymail"]
        assert scores["f1_stderr,none"] == "N/A"


class TestModelIndex:
    """The head of a model card."""

    def test_is_read_by_the_hub(self, tmp_path: Path) -> None:
        found = evaluated("cnn_dailymail")
        path = tmp_path / "README.md"
        path.write_bytes(model_index_head(document_of(found)))
        card = ModelCard.load(path)
        assert card.data.model_name == "latest"
        results = {each.metric_name: each for each in card.data.eval_results or []}
        assert results.keys() == {n for n, value in found.metrics.items() if value is not None}
        rouge = results["rougeL"]
        assert (rouge.metric_type, rouge.metric_value) == ("rouge", found.metrics["rougeL"])
        assert (rouge.dataset_type, rouge.dataset_split) == ("cnn_dailymail", "test")
        assert rouge.metric_args is not None
        assert rouge.metric_args["signature"] == "task:cnn_dailymail|records:3"
        low, high = rouge.metric_args["interval_95"]
        assert low <= rouge.metric_value <= high

    def test_without_a_score_is_refused(self) -> None:
        document = {**document_of(evaluated("coqa")), "metrics": {"f1": None}}
        with pytest.raises(InputError, match="nothing was scored"):
            model_index_head(document)
