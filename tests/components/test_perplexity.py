"""Perplexity: which tokens count, batches of one shape, and the ends of the range."""

import math
from collections.abc import Mapping

import numpy as np
import pytest

from components.metrics.perplexity import BATCH_ROWS, RowLoss, perplexity, row_losses
from preprocessing.base import progress
from tests.components.fakes import FakeModel, row


class ScriptedScores(FakeModel):
    """Gives the token after position i of every row the log-probability `scores[i]`."""

    def __init__(self, scores: list[float]) -> None:
        super().__init__()
        self.scores = np.array(scores, np.float32)

    def score_rows(self, rows: Mapping[str, np.ndarray]) -> np.ndarray:
        return np.tile(self.scores, [len(rows["input_ids"]), 1])


def test_only_tokens_in_the_loss_count() -> None:
    model = ScriptedScores([-100.0, -1.0, -100.0, -3.0, -100.0])
    value, tokens = perplexity(row_losses(model, [row([1, 1, 1, 2, 2, 0], [0, 0, 1, 0, 1, 0])]))
    assert (value, tokens) == (pytest.approx(math.exp(2)), 2)


def test_the_first_token_of_a_segment_and_padding_never_count() -> None:
    model = ScriptedScores([-1.0, -2.0, -100.0, -3.0, -100.0, -100.0])
    value, tokens = perplexity(row_losses(model, [row([1, 1, 1, 2, 2, 0, 0], [1] * 7)]))
    assert (value, tokens) == (pytest.approx(math.exp(2)), 3)


def test_the_mean_is_over_all_tokens_of_all_rows() -> None:
    model = ScriptedScores([-1.0, -4.0])
    rows = [row([1, 1, 1], [0, 1, 0])] * 2 + [row([1, 1, 1], [0, 0, 1])]
    losses = row_losses(model, rows)
    assert perplexity(losses) == (pytest.approx(math.exp((1 + 1 + 4) / 3)), 3)
    assert losses == [RowLoss(1.0, 1), RowLoss(1.0, 1), RowLoss(4.0, 1)]


def test_every_batch_has_one_shape_and_its_blank_rows_do_not_count() -> None:
    model = FakeModel(log_probability=-2.0)
    rows = [row([1, 1, 1], [0, 1, 1])] * (BATCH_ROWS + 3)
    assert perplexity(row_losses(model, rows)) == (pytest.approx(math.exp(2)), 2 * len(rows))
    assert [batch["input_ids"].shape for batch in model.batches] == [(BATCH_ROWS, 3)] * 2
    assert model.batches[1]["segment_ids"][3:].max() == 0


@pytest.mark.parametrize("rows", [[], [row([1, 1, 0], [0, 0, 0])]], ids=["no rows", "no loss"])
def test_without_a_token_in_the_loss_there_is_no_perplexity(rows: list) -> None:
    assert perplexity(row_losses(FakeModel(), rows)) == (None, 0)


@pytest.mark.parametrize("log_probability", [-1e6, -math.inf])
def test_a_loss_beyond_the_range_of_a_float_is_infinite(log_probability: float) -> None:
    model = FakeModel(log_probability=log_probability)
    assert perplexity(row_losses(model, [row([1, 1], [0, 1])])) == (math.inf, 1)


def test_its_progress_is_told_in_rows() -> None:
    told: list[tuple[object, object, object]] = []
    rows = [row([1, 1, 1], [0, 1, 1])] * (BATCH_ROWS + 3)
    with progress.reported_to(
        lambda report: told.append((report["phase"], report["done"], report["total"]))
    ):
        row_losses(FakeModel(), rows)
    assert told == [("perplexity", 8, 11), ("perplexity", 11, 11)]
