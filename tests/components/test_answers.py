"""CoQA's scores: normalisation, exact match, F1, several annotators."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.metrics.answers import exact_match, f1, normalise_answer, over_annotators

WORDS = st.lists(st.sampled_from(["the", "dog", "Cat", "ran.", "a", ""]), max_size=6).map(" ".join)


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("The  White\tHouse, ", "white house"),
        ("an apple a day", "apple day"),
        ("there, then", "there then"),
        ("didn't", "didnt"),
        ("U.S.A.", "usa"),
        ("$3.50", "350"),
        ("well-known", "wellknown"),
        ("“Yes”", "“yes”"),  # the official script strips ASCII punctuation only
        ("the", ""),
        ("", ""),
    ],
)
def test_answers_are_normalised_as_the_official_script_does(text: str, normal: str) -> None:
    assert normalise_answer(text) == normal


def test_exact_match_compares_normalised_answers() -> None:
    assert exact_match("The White House.", "white  house") == 1.0
    assert exact_match("The White Houses", "white house") == 0.0


@pytest.mark.parametrize(
    ("prediction", "reference", "score"),
    [
        ("the red big dog", "a big dog ran", 2 / 3),
        ("no no", "no", 2 / 3),
        ("dog", "dog", 1.0),
        ("dog", "cat", 0.0),
        ("the", "a!", 1.0),
        ("", "dog", 0.0),
        ("dog", "the", 0.0),
    ],
)
def test_f1_counts_shared_tokens(prediction: str, reference: str, score: float) -> None:
    assert f1(prediction, reference) == pytest.approx(score)


@pytest.mark.parametrize(
    ("references", "score"),
    [
        (["white"], 1.0),
        (["grey"], 0.0),
        (["white", "grey"], 1 / 2),
        (["white", "grey", "black"], 2 / 3),
        (["white", "grey", "white", "black"], 1.0),
    ],
)
def test_each_annotator_is_left_out_once(references: list[str], score: float) -> None:
    assert over_annotators(exact_match, "white", references) == pytest.approx(score)


@settings(max_examples=50, deadline=None)
@given(WORDS, st.lists(WORDS, min_size=1, max_size=4))
def test_f1_is_symmetric_and_bounds_exact_match(prediction: str, references: list[str]) -> None:
    for reference in references:
        assert f1(prediction, reference) == f1(reference, prediction)
        assert 0 <= exact_match(prediction, reference) <= f1(prediction, reference) <= 1
    best = max(f1(prediction, reference) for reference in references)
    assert over_annotators(f1, prediction, references) <= best + 1e-9
