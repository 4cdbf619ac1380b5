"""Perplexity of packed token rows."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np

from preprocessing.base import progress
from preprocessing.tokens.rows import Row
from serving.model import LanguageModel
from trainer.data import FEATURES, in_loss

BATCH_ROWS = 8


@dataclass(frozen=True)
class RowLoss:
    """nats: the negative log-probabilities of a row's tokens in the loss, added up. tokens: how many these are."""

    nats: float
    tokens: int


def row_losses(model: LanguageModel, rows: Sequence[Row]) -> list[RowLoss]:
    """The loss of each row that has a token in the loss, in order."""
    found = []
    for done, batch in enumerate(_batches(rows), start=1):
        stacked = {name: np.stack([getattr(row, name) for row in batch]) for name in FEATURES}
        log_probabilities = model.score_rows(stacked)
        counted = in_loss(stacked["loss_mask"], stacked["segment_ids"])
        nats = -np.where(counted, log_probabilities, 0).sum(axis=1, dtype=np.float64)
        for row_nats, tokens in zip(nats.tolist(), counted.sum(axis=1).tolist(), strict=True):
            if tokens:
                found.append(RowLoss(row_nats, tokens))
        total = min(done * BATCH_ROWS, len(rows))
        progress.report(phase="perplexity", done=total, total=len(rows), unit="rows")
    return found


def perplexity(losses: Iterable[RowLoss]) -> tuple[float | None, int]:
    """(exp of the mean negative log-probability of the tokens in the loss, number of those tokens).

    None without a token in the loss. The exponential of a loss beyond a float's range is infinite.
    """
    kept = list(losses)
    nats, tokens = sum(loss.nats for loss in kept), sum(loss.tokens for loss in kept)
    if not tokens:
        return None, 0
    try:
        return math.exp(nats / tokens), tokens
    except OverflowError:
        return math.inf, tokens


def _batches(rows: Iterable[Row]) -> Iterator[Sequence[Row]]:
    """Batches of a fixed number of rows; the last is filled up with rows that hold padding only."""
    iterator = iter(rows)
    while batch := list(islice(iterator, BATCH_ROWS)):
        blank = np.zeros_like(batch[0].input_ids)
        batch += [Row(blank, blank, blank, blank)] * (BATCH_ROWS - len(batch))
        yield batch
