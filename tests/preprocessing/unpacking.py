"""From rows back to the sequences that were packed into them."""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from preprocessing.tokens.rows import Row
from preprocessing.tokens.sequences import TokenSequence


def unpack(rows: Iterable[Row]) -> Iterator[TokenSequence]:
    """The sequences and pieces in rows, in the order of the rows and of their places in them."""
    for row in rows:
        for segment in range(1, int(row.segment_ids.max()) + 1):
            inside = row.segment_ids == segment
            yield TokenSequence(
                row.input_ids[inside].astype(np.int32), row.loss_mask[inside].astype(bool)
            )


def rejoin(rows: Iterable[Row], end_of_text: int) -> Iterator[TokenSequence]:
    """The sequences in rows, those that were split whole again.

    The rows: of sequences that each end with the end of text and hold no other one.
    """
    goes_on: list[TokenSequence] = []
    for row in rows:
        before, goes_on = goes_on, []
        for sequence in unpack([row]):
            pieces, before = [*before, sequence], []
            if sequence.ids[-1] == end_of_text:
                yield join_pieces(pieces)
            else:
                goes_on = pieces
    if goes_on:
        raise ValueError("the rows end within a sequence")


def join_pieces(pieces: Sequence[TokenSequence]) -> TokenSequence:
    """The sequence of which these are all the pieces, in order; for a stream, all its rows."""
    first, *others = pieces
    return TokenSequence(
        np.concatenate([first.ids, *(piece.ids[1:] for piece in others)]),
        np.concatenate([first.loss, *(piece.loss[1:] for piece in others)]),
    )
