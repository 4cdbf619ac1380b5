"""ROUGE against the Perl script's scores and against scores computed by hand."""

import json
from pathlib import Path

import pytest

from components.metrics.rouge import ROUGE_METRICS, rouge


def test_scores_equal_those_of_the_perl_script(genuine: Path) -> None:
    golden = json.loads((genuine / "rouge" / "golden20.json").read_text(encoding="utf-8"))
    perl = golden["scores"]["full_nostem"]
    assert len(golden["pairs"]) == 20
    for number, (candidate, reference) in enumerate(golden["pairs"]):
        scores = rouge("\n".join(candidate), "\n".join(reference))
        for ours, theirs in (
            ("rouge1", "ROUGE-1"),
            ("rouge2", "ROUGE-2"),
            ("rougeLsum", "ROUGE-L"),
        ):
            # Perl prints five decimals, of an F of precision and recall that it rounded before.
            assert scores[ours] == pytest.approx(perl[theirs][number][2], abs=1.5e-5), (
                number,
                ours,
            )


def test_scores_are_the_harmonic_means_of_precision_and_recall() -> None:
    scores = rouge(prediction="the cat sat", reference="the cat sat on the mat")
    assert scores == pytest.approx(
        {"rouge1": 2 / 3, "rouge2": 4 / 7, "rougeL": 2 / 3, "rougeLsum": 2 / 3}
    )


def test_words_are_not_stemmed_and_their_case_does_not_count() -> None:
    assert rouge("Cats", "cat")["rouge1"] == 0.0
    assert rouge("CAT", "cat")["rouge1"] == 1.0


def test_rougelsum_takes_each_line_as_a_sentence() -> None:
    scores = rouge(prediction="c d\na b", reference="a b\nc d")
    assert scores["rougeL"] == pytest.approx(0.5)
    assert scores["rougeLsum"] == pytest.approx(1.0)


@pytest.mark.parametrize("prediction", ["", "\n", "..."])
def test_a_prediction_without_words_scores_zero(prediction: str) -> None:
    assert rouge(prediction, "a summary") == dict.fromkeys(ROUGE_METRICS, 0.0)
