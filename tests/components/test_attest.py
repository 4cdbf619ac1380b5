"""Attest run by its executor: a statement that is complete and repeats itself, and a card for people."""

import json
from pathlib import Path
from typing import Any

import pytest
from tfx.types.artifact import Artifact
from tfx.types.standard_artifacts import Examples, Model, ModelBlessing, ModelEvaluation

from components.artifacts import Attestation, RecordIndex
from components.attest import Attest
from components.options import LINEAGE_VARIABLE
from tests.components.stages import artifact, execute

LINEAGE: dict[str, Any] = {
    "corpus": {"task": "coqa", "records": 15, "files": 2, "digest": "corpus-digest"},
    "base_model": None,
    "code": {"commit": "abc123", "digest": "code-digest"},
    "environment": {"requirements/cpu.lock": "lock-digest"},
    "parameters": {"model.size": "tiny", "seed": 1},
    "nodes": [
        {
            "node": "CorpusGen",
            "key": "k",
            "parameters": {"seed": 1},
            "code": {"commit": "abc123", "digest": "a", "files": {"a.py": "a-digest"}},
            "environment": {"lock": "lock-digest"},
            "inputs": {},
            "outputs": {"index": "x"},
        }
    ],
}
SUMMARY = {
    "task": "coqa",
    "split": "test",
    "generated": 4,
    "tokens": 50,
    "metrics": {"f1": 0.25, "exact_match": None, "perplexity": 1234.5678},
    "intervals": {"f1": [0.125, 0.375]},
    "gate_split": "validation",
    "champion": None,
    "checks": [
        {
            "metric": "perplexity",
            "wanted": "finite",
            "value": 1234.5678,
            "passed": True,
            "found": "",
        },
        {
            "metric": "f1",
            "wanted": "at least 0.5",
            "value": 0.25,
            "passed": False,
            "found": "too few",
        },
    ],
    "blessed": False,
    "note": "",
}


@pytest.fixture
def inputs(tmp_path: Path) -> dict[str, Artifact]:
    kinds: dict[str, type[Artifact]] = {
        "index": RecordIndex,
        "examples": Examples,
        "tokens": Examples,
        "model": Model,
        "evaluation": ModelEvaluation,
    }
    made: dict[str, Artifact] = {
        name: artifact(kind, tmp_path / name, digest=f"{name}-digest")
        for name, kind in kinds.items()
    }
    made["blessing"] = artifact(ModelBlessing, tmp_path / "blessing", blessed=0)
    (tmp_path / "evaluation" / "metrics.json").write_text(json.dumps(SUMMARY))
    return made


def attest(
    folder: Path,
    inputs: dict[str, Artifact],
    lineage: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> Path:
    folder.mkdir()
    (folder / "lineage.json").write_text(json.dumps(lineage), encoding="utf-8")
    monkeypatch.setenv(LINEAGE_VARIABLE, str(folder / "lineage.json"))
    attestation = artifact(Attestation, folder / "attestation")
    execute(Attest, inputs, {"attestation": attestation}, {})
    return Path(attestation.uri)


def test_the_statement_names_everything_behind_the_model(
    tmp_path: Path, inputs: dict[str, Artifact], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = attest(tmp_path / "out", inputs, LINEAGE, monkeypatch)
    assert json.loads((folder / "provenance.json").read_text(encoding="utf-8")) == {
        "statement": "gpt2-tfx provenance 2",
        "model": {"digest": "model-digest"},
        "blessed": False,
        "inputs": {
            "records": "index-digest",
            "examples": "examples-digest",
            "tokens": "tokens-digest",
            "evaluation": "evaluation-digest",
        },
        "evaluation": {
            name: SUMMARY[name]
            for name in ("task", "split", "metrics", "intervals", "gate_split", "checks")
        },
        **LINEAGE,
    }


def test_equal_lineages_give_equal_bytes(
    tmp_path: Path, inputs: dict[str, Artifact], monkeypatch: pytest.MonkeyPatch
) -> None:
    turned = dict(reversed(LINEAGE.items()))
    one = attest(tmp_path / "one", inputs, LINEAGE, monkeypatch)
    two = attest(tmp_path / "two", inputs, turned, monkeypatch)
    assert sorted(path.name for path in one.iterdir()) == ["README.md", "provenance.json"]
    for path in one.iterdir():
        assert path.read_bytes() == (two / path.name).read_bytes()


def test_the_card_says_what_the_model_is_and_how_it_scored(
    tmp_path: Path, inputs: dict[str, Artifact], monkeypatch: pytest.MonkeyPatch
) -> None:
    card = (attest(tmp_path / "out", inputs, LINEAGE, monkeypatch) / "README.md").read_text()
    for line in (
        "GPT-2, size tiny, fine-tuned for the task `coqa`.",
        "- digest: `model-digest`",
        "- base weights: random, from the seed",
        "- code: commit `abc123`, digest `code-digest`",
        "- 15 records from 2 files, digest `corpus-digest`",
        "## Evaluation on the test split",
        "| exact_match | not scored | none |",
        "| f1 | 0.25 | 0.125 to 0.375 |",
        "| perplexity | 1234.57 | none |",
        "Decided on the validation split:",
        "- perplexity: finite: passed",
        "- f1: at least 0.5: failed (too few)",
        "The model is **not blessed**.",
    ):
        assert line in card.splitlines()


def test_the_card_of_a_blessed_model_names_its_base(
    tmp_path: Path, inputs: dict[str, Artifact], monkeypatch: pytest.MonkeyPatch
) -> None:
    inputs["blessing"].set_int_custom_property("blessed", 1)
    inputs["base_model"] = artifact(Model, tmp_path / "base", digest="base-digest")
    lineage = {
        **LINEAGE,
        "base_model": {"digest": "base-digest"},
        "code": {**LINEAGE["code"], "commit": ""},
    }
    folder = attest(tmp_path / "out", inputs, lineage, monkeypatch)
    assert json.loads((folder / "provenance.json").read_text())["blessed"] is True
    lines = (folder / "README.md").read_text(encoding="utf-8").splitlines()
    assert "- base weights: `base-digest`" in lines
    assert "- code: commit `unknown`, digest `code-digest`" in lines
    assert "The model is blessed." in lines


class TestOnTheHub:
    """The card as the hub's own parser reads it."""

    def parsed(
        self, metrics: dict[str, float | None], folder: Path, inputs: dict[str, Artifact]
    ) -> Any:
        from huggingface_hub import ModelCard

        summary = json.dumps({**SUMMARY, "metrics": metrics})
        (Path(inputs["evaluation"].uri) / "metrics.json").write_text(summary)
        with pytest.MonkeyPatch.context() as patch:
            card = attest(folder / "out", inputs, LINEAGE, patch) / "README.md"
        return ModelCard(card.read_text(encoding="utf-8"), ignore_metadata_errors=False)

    def test_its_front_matter_holds_the_scores(
        self, tmp_path: Path, inputs: dict[str, Artifact]
    ) -> None:
        metrics = {"f1": 0.25, "rougeL": 0.125, "exact_match": None, "perplexity": float("inf")}
        card = self.parsed(metrics, tmp_path, inputs)
        assert card.data.model_name == "gpt2-tiny-coqa"
        assert card.data.pipeline_tag == "text-generation"
        assert [
            (result.metric_type, result.metric_name, result.metric_value)
            for result in card.data.eval_results
        ] == [("f1", "f1", 0.25), ("rouge", "rougeL", 0.125)]
        (dataset,) = {
            (result.dataset_type, result.dataset_split, result.dataset_revision)
            for result in card.data.eval_results
        }
        assert dataset == ("coqa", "test", "corpus-digest")
        assert card.text.startswith("# Model card")

    def test_without_scores_there_is_no_entry(
        self, tmp_path: Path, inputs: dict[str, Artifact]
    ) -> None:
        card = self.parsed({"f1": None}, tmp_path, inputs)
        assert card.data.eval_results is None
        assert card.data.library_name == "gpt2-tfx"
