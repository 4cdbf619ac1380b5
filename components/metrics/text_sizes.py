"""How much text the tokens in the loss are: by it, models of different vocabularies can be compared."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from preprocessing.tokens.rows import Row
from preprocessing.tokens.vocabulary import Vocabulary
from trainer.data import in_loss


@dataclass(frozen=True)
class TextSize:
    """The text of a row's tokens in the loss.

    words: what white space separates; where the loss begins or ends within a word, the part of it is one.
    bytes: of UTF-8; the end of text has none.
    """

    words: int
    bytes: int


def text_sizes(rows: Iterable[Row], vocabulary: Vocabulary) -> list[TextSize]:
    """The size of each row that has a token in the loss, in order: those of `row_losses`."""
    found = []
    for row in rows:
        places = np.flatnonzero(in_loss(row.loss_mask, row.segment_ids)) + 1
        if not len(places):
            continue
        stretches = np.split(places, np.flatnonzero(_begins(row, places))[1:])
        words = sum(len(_text(row.input_ids[stretch], vocabulary).split()) for stretch in stretches)
        size = int(vocabulary.byte_counts[row.input_ids[places]].sum())
        found.append(TextSize(words, size))
    return found


def _begins(row: Row, places: np.ndarray) -> np.ndarray:
    """Which places, [n], begin a stretch of tokens that follow each other in a sequence: bool [n]."""
    segments = row.segment_ids[places]
    goes_on = (np.diff(places, prepend=-1) == 1) & (np.diff(segments, prepend=-1) == 0)
    return ~goes_on


def _text(ids: np.ndarray, vocabulary: Vocabulary) -> str:
    return vocabulary.decode(ids[ids != vocabulary.end_of_text].tolist())
