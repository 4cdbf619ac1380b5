"""How much text the tokens in the loss are, and scores of that text."""

import math

import numpy as np
import pytest

from components.evaluation import Evaluation
from components.metrics.perplexity import RowLoss
from components.metrics.text_sizes import TextSize, text_sizes
from components.samples import text_scores
from preprocessing.tokens.rows import Row
from preprocessing.tokens.vocabulary import load_vocabulary

VOCABULARY = load_vocabulary()
END = VOCABULARY.end_of_text


def row(sequences: list[tuple[str, str]], length: int = 24) -> Row:
    """Prompts and targets side by side, each with its end; the targets and the ends are in the loss."""
    ids, mask, segments = [], [], []
    for number, (prompt, target) in enumerate(sequences, start=1):
        start, rest = VOCABULARY.encode(prompt), [*VOCABULARY.encode(target), END]
        ids += [*start, *rest]
        mask += [0] * len(start) + [1] * len(rest)
        segments += [number] * (len(start) + len(rest))
    lacking = length - len(ids)
    ids, mask, segments = ids + [END] * lacking, mask + [0] * lacking, segments + [0] * lacking
    return Row(*map(np.array, (ids, mask, segments, np.zeros(length, np.int64))))


def test_text_is_what_is_in_the_loss_without_the_end_of_text() -> None:
    assert text_sizes([row([("a story", " it rained")])], VOCABULARY) == [TextSize(2, 10)]


def test_words_of_sequences_side_by_side_are_not_one() -> None:
    found = text_sizes([row([("a", " b"), ("c", "d \u00e9")])], VOCABULARY)
    assert found == [TextSize(3, 2 + 4)]


def test_a_row_without_a_token_in_the_loss_has_no_size() -> None:
    blank = Row(*[np.zeros(4, np.int64)] * 4)
    assert text_sizes([blank, row([("a", " b")])], VOCABULARY) == [TextSize(1, 2)]


def test_the_first_token_of_a_row_is_never_predicted() -> None:
    ids = np.array(VOCABULARY.encode(" one two three"))
    whole = Row(ids, np.ones_like(ids), np.ones_like(ids), np.arange(len(ids)))
    assert text_sizes([whole], VOCABULARY) == [TextSize(2, len(" two three"))]


def evaluation(losses: list[RowLoss], sizes: list[TextSize]) -> Evaluation:
    return Evaluation({"perplexity": 2.0}, (), tuple(losses), tuple(sizes))


def test_scores_of_text_are_the_loss_of_a_word_and_of_a_byte() -> None:
    found = text_scores(
        evaluation([RowLoss(6.0, 4), RowLoss(2.0, 1)], [TextSize(3, 9), TextSize(1, 1)]), 7
    )
    assert (found["words"], found["bytes"]) == (4, 10)
    assert found["scores"]["word_perplexity"] == pytest.approx(math.exp(8 / 4))
    assert found["scores"]["bits_per_byte"] == pytest.approx(8 / 10 / math.log(2))
    low, high = found["intervals"]["bits_per_byte"]
    assert low < found["scores"]["bits_per_byte"] < high


def test_one_row_has_no_interval_and_no_text_no_score() -> None:
    found = text_scores(evaluation([RowLoss(6.0, 4)], [TextSize(3, 9)]), 7)
    assert found["intervals"] == {}
    nothing = text_scores(evaluation([], []), 7)
    assert nothing["scores"] == {"word_perplexity": None, "bits_per_byte": None}
    assert nothing["bytes"] == 0


def test_a_perplexity_of_words_beyond_a_float_is_no_score() -> None:
    found = text_scores(evaluation([RowLoss(1e4, 4)], [TextSize(3, 9)]), 7)
    assert found["scores"]["word_perplexity"] is None
    assert found["scores"]["bits_per_byte"] == pytest.approx(1e4 / 9 / math.log(2))
