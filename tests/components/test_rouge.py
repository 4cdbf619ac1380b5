"""ROUGE against the Perl script's scores and against scores computed by hand."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rouge_score.rouge_scorer import RougeScorer

from components.metrics.lcs import lcs_length, lcs_places
from components.metrics.rouge import AS_THEY_ARE, ROUGE_METRICS, rouge, rouge_parts
from components.metrics.stemming import Stemming
from preprocessing.base.errors import InputError

# Few words, so that they repeat; lines, marks, and what the tokenizer drops.
TEXTS = st.text("ab c\n.é", max_size=60) | st.lists(
    st.sampled_from(["the", "cat", "sat", "on", "mat", ".", "\n", "\n\n", "Mat's"]), max_size=40
).map(" ".join)
TEXTS_THAT_STEM = ("run", "running", "runs", "sky", "skies", "die", "dies", "dying", "of", "that")


def assert_equal_to_perl(genuine: Path, scored: str, stemming: Stemming = AS_THEY_ARE) -> None:
    """The F measures of the golden pairs are those that the script gave."""
    golden = json.loads((genuine / "rouge" / "golden20.json").read_text(encoding="utf-8"))
    perl = golden["scores"][scored]
    assert len(golden["pairs"]) == 20
    for number, (candidate, reference) in enumerate(golden["pairs"]):
        parts = rouge_parts("\n".join(candidate), "\n".join(reference), stemming=stemming)
        scores = {metric: found[2] for metric, found in parts.items()}
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


def test_scores_equal_those_of_the_perl_script(genuine: Path) -> None:
    assert_equal_to_perl(genuine, "full_nostem")


def test_scores_equal_those_of_the_perl_script_that_stems_by_rules_alone(
    genuine: Path, tmp_path: Path
) -> None:
    (tmp_path / "none.exc").touch()
    assert_equal_to_perl(genuine, "empty_m", Stemming("perl", tmp_path))


@pytest.mark.parametrize("text", [" ".join(TEXTS_THAT_STEM), "Running skies, dying generously"])
def test_stems_are_those_of_rouge_score(text: str) -> None:
    ours = rouge_parts(text, "the run of a sky that dies", stemming=Stemming("porter"))
    theirs = RougeScorer(["rouge1", "rougeL"], use_stemmer=True).score(
        target="the run of a sky that dies", prediction=text
    )
    for metric, found in theirs.items():
        assert ours[metric] == tuple(found)


def test_the_last_exception_by_name_counts_and_short_words_are_left(tmp_path: Path) -> None:
    (tmp_path / "adj.exc").write_text("better good\n")
    (tmp_path / "adv.exc").write_text("better well\nmen man\n")
    parts = rouge_parts("better men", "well men", stemming=Stemming("perl", tmp_path))
    assert parts["rouge1"][2] == 1
    assert rouge_parts("men", "man", stemming=Stemming("perl", tmp_path))["rouge1"][2] == 0


def test_a_line_without_a_base_is_named(tmp_path: Path) -> None:
    (tmp_path / "adj.exc").write_text("better good\nworse\n")
    with pytest.raises(InputError, match=r"adj\.exc:2: 'worse' is not a word and its base"):
        Stemming("perl", tmp_path).stem()


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
