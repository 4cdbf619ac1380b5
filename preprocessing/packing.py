"""Several sequences into one row: best fit decreasing, and back.

Sequences are never cut here. In the order of their lengths, longest first, each goes into the row
where it leaves the least room, or into a new row. For rows of six tokens and sequences of 4, 3, 3
and 2 tokens:

    A A A A D D
    B B B C C C

Best fit decreasing needs at most 11/9 of the fewest possible rows (Johnson et al., 1974,
https://doi.org/10.1137/0203025), and close to the fewest on texts.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from preprocessing.rows import Row
from preprocessing.token_sequences import TokenSequence


def pack(
    sequences: Sequence[TokenSequence], length: int, padding_id: int, packing: bool = True
) -> Iterator[Row]:
    """Rows of `length` tokens that hold every sequence once.

    The rows come in the order of the first sequence in each, and in a row the sequences are in
    order, so that equal sequences always give equal rows.

    Args:
        sequences: of 1 to `length` tokens each.
        padding_id: the id at the end of a row that is not full: the end of text.
        packing: False gives each sequence a row of its own.

    Raises:
        ValueError: a sequence is empty or longer than a row.
    """
    sizes = [len(sequence.ids) for sequence in sequences]
    for place, size in enumerate(sizes):
        if not 1 <= size <= length:
            raise ValueError(f"sequence {place} has {size} tokens, a row 1 to {length}")
    groups = _best_fit_decreasing(sizes, length) if packing else [[i] for i in range(len(sizes))]
    return (_row([sequences[i] for i in group], length, padding_id) for group in groups)


def unpack(rows: Iterable[Row]) -> Iterator[TokenSequence]:
    """The sequences in rows, in the order of the rows and of their places in them."""
    for row in rows:
        for segment in range(1, int(row.segment_ids.max()) + 1):
            inside = row.segment_ids == segment
            yield TokenSequence(
                row.input_ids[inside].astype(np.int32), row.loss_mask[inside].astype(bool)
            )


def _best_fit_decreasing(sizes: list[int], length: int) -> list[list[int]]:
    """The sequences of each row, by place: O(n log n) to sort and O(length / 64) for each."""
    rows: list[list[int]] = []
    # The rows by the room they have left, the oldest first, and the rooms that occur as the bits of
    # one number: its lowest bit at or above the size is the row that fits best.
    rows_by_room: list[deque[int]] = [deque() for _ in range(length + 1)]
    rooms = 0
    for place in sorted(range(len(sizes)), key=lambda place: -sizes[place]):
        size = sizes[place]
        if fitting := rooms >> size:
            room = size + (fitting & -fitting).bit_length() - 1
            row = rows_by_room[room].popleft()
            if not rows_by_room[room]:
                rooms ^= 1 << room
        else:
            room, row = length, len(rows)
            rows.append([])
        rows[row].append(place)
        room -= size
        rows_by_room[room].append(row)
        rooms |= 1 << room
    return sorted(sorted(row) for row in rows)


def _row(sequences: list[TokenSequence], length: int, padding_id: int) -> Row:
    input_ids = np.full(length, padding_id, dtype=np.int64)
    loss_mask, segment_ids, positions = np.zeros((3, length), dtype=np.int64)
    start = 0
    for segment, sequence in enumerate(sequences, start=1):
        end = start + len(sequence.ids)
        input_ids[start:end] = sequence.ids
        loss_mask[start:end] = sequence.loss
        segment_ids[start:end] = segment
        positions[start:end] = np.arange(end - start)
        start = end
    return Row(input_ids, loss_mask, segment_ids, positions)
