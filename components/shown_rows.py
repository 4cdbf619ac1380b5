"""Rows of a training as a person reads them: their text, cut where the loss begins and ends."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from preprocessing.tokens.vocabulary import Vocabulary
from trainer.data import Batch, in_loss


@dataclass(frozen=True)
class Piece:
    """Tokens that follow each other. in_loss: whether the model learns them. begins: whether a sequence does."""

    text: str
    in_loss: bool
    begins: bool


@dataclass(frozen=True)
class ShownRow:
    """A row. sequences: side by side in it. tokens: without padding. in_loss: of these, how many count in the loss."""

    pieces: tuple[Piece, ...]
    sequences: int
    tokens: int
    in_loss: int
    padding: int


def shown_rows(batch: Batch, vocabulary: Vocabulary, most: int) -> list[ShownRow]:
    """The first rows of a batch, whose features are [rows, L] each. most: how many."""
    ids, segments = batch["input_ids"], batch["segment_ids"]
    # the first token of a row is predicted by nothing
    learned = np.pad(in_loss(batch["loss_mask"], segments), [(0, 0), (1, 0)])
    return [
        ShownRow(
            pieces=tuple(_pieces(ids[row], segments[row], learned[row], vocabulary)),
            sequences=int(segments[row].max()),
            tokens=int(np.count_nonzero(segments[row])),
            in_loss=int(np.count_nonzero(learned[row])),
            padding=int(np.count_nonzero(segments[row] == 0)),
        )
        for row in range(min(most, len(ids)))
    ]


def _pieces(
    ids: np.ndarray, segments: np.ndarray, learned: np.ndarray, vocabulary: Vocabulary
) -> Iterator[Piece]:
    """The pieces of a row without its padding: [L] each.

    ids        a b C D e f F
    segments   1 1 1 1 2 2 2
    learned    0 0 1 1 0 0 1     ->   "a b", "C D" (in the loss), "e f" (begins), "F" (in the loss)
    """
    begins = np.diff(segments, prepend=0) != 0
    cuts = begins | (np.diff(learned.astype(np.int8), prepend=0) != 0)
    starts = np.flatnonzero(cuts & (segments > 0)).tolist()
    end = int(np.count_nonzero(segments))
    for start, stop in pairwise([*starts, end]):
        text = vocabulary.decode(ids[start:stop].tolist())
        yield Piece(text, bool(learned[start]), bool(begins[start]))
