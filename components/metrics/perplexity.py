"""Perplexity of packed token rows."""

import math
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

import numpy as np

from preprocessing.tokens.rows import Row
from serving.model import LanguageModel

BATCH_ROWS = 8


def perplexity(model: LanguageModel, rows: Iterable[Row]) -> tuple[float | None, int]:
    """(exp of the mean negative log-probability of the tokens in the loss, number of those tokens).

    None without a token in the loss. The exponential of a loss beyond a float's range is infinite.
    """
    total, count = 0.0, 0
    for batch in _batches(rows):
        stacked = {
            name: np.stack([getattr(row, name) for row in batch])
            for name in ("input_ids", "loss_mask", "segment_ids", "positions")
        }
        log_probabilities = model.score_rows(stacked)
        segments, in_loss = stacked["segment_ids"], stacked["loss_mask"][:, 1:] == 1
        counted = in_loss & (segments[:, 1:] == segments[:, :-1]) & (segments[:, 1:] > 0)
        total -= float(log_probabilities[counted].sum(dtype=np.float64))
        count += int(counted.sum())
    if not count:
        return None, 0
    try:
        return math.exp(total / count), count
    except OverflowError:
        return math.inf, count


def _batches(rows: Iterable[Row]) -> Iterator[Sequence[Row]]:
    """Batches of a fixed number of rows; the last is filled up with rows that hold padding only."""
    iterator = iter(rows)
    while batch := list(islice(iterator, BATCH_ROWS)):
        blank = np.zeros_like(batch[0].input_ids)
        batch += [Row(blank, blank, blank, blank)] * (BATCH_ROWS - len(batch))
        yield batch
