"""ROUGE against the Perl script's scores and against scores computed by hand."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rouge_score.rouge_scorer import RougeScorer

from components.metrics.lcs import lcs_length, lcs_places
from components.metrics.rouge import ROUGE_METRICS, rouge, rouge_parts

# Few words, so that they repeat; lines, marks, and what the tokenizer drops.
TEXTS = st.text("ab c\n.é", max_size=60) | st.lists(
    st.sampled_from(["the", "cat", "sat", "on", "mat", ".", "\n", "\n\n", "Mat's"]), max_size=40
).map(" ".join)


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


def test_words_of_other_scripts_count_where_that_is_asked_for() -> None:
    text, other = "Корабль вышел в море", "Корабль вышел из порта"
    assert rouge(text, text)["rouge1"] == 0.0
    assert rouge(text, text, "unicode") == dict.fromkeys(ROUGE_METRICS, 1.0)
    assert rouge(text, other, "unicode")["rouge1"] == pytest.approx(0.5)
    assert rouge("Naïve café", "naïve CAFÉ", "unicode")["rouge2"] == 1.0


@pytest.mark.parametrize("prediction", ["", "\n", "..."])
def test_a_prediction_without_words_scores_zero(prediction: str) -> None:
    assert rouge(prediction, "a summary") == dict.fromkeys(ROUGE_METRICS, 0.0)


@settings(max_examples=300)
@given(TEXTS, TEXTS)
def test_every_bit_is_that_of_rouge_score(prediction: str, reference: str) -> None:
    scorer = RougeScorer(list(ROUGE_METRICS), use_stemmer=False)
    found = scorer.score(target=reference, prediction=prediction)
    parts = rouge_parts(prediction, reference)
    assert {name: tuple(score) for name, score in found.items()} == parts


def test_the_longest_common_subsequence_is_the_one_of_the_table() -> None:
    assert lcs_length("abcbdab", "bdcaba") == 4
    assert lcs_places("abcbdab", "bdcaba") == [1, 2, 3, 5]
    assert lcs_places("abc", "") == lcs_places("", "abc") == lcs_places("ab", "cd") == []
    long = ["w"] * 200
    assert lcs_places(long, long) == list(range(200))
