"""Several sequences into one row.

**Best fit decreasing.** In the order of their lengths, longest first, each sequence goes into the row
where it leaves the least room, or into a new row. For rows of six tokens and sequences of 4, 3, 3
and 2 tokens:

    A A A A D D
    B B B C C C

Best fit decreasing needs at most 11/9 of the fewest possible rows (Johnson et al., 1974,
https://doi.org/10.1137/0203025), and close to the fewest on texts.

**Splitting.** Sequences longer than a row are cut, and only they; their pieces take the room that the
others leave. Pieces overlap by one token, which is out of the loss the second time, so that every
token but the first is predicted exactly once. With sequences of 4 tokens and of 9 (`1` to `9`):

    1 2 3 4 5 6
    6 7 A A A A
    7 8 9 _ _ _

How a cut sequence is found again: all end with the end of text but the pieces that go on. A row has
at most one of these, and the first sequence of the next row goes on with it.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from preprocessing.tokens.rows import Row
from preprocessing.tokens.sequences import TokenSequence

# The room of a row that is worth a piece of a long sequence: a 16th of the row. Smaller ones would
# save a little padding and tear texts to shreds.
_LEAST_ROOM = 16

Piece = tuple[int, int, int]
"""Place of a sequence, its first token, the token after the last."""


def pack(
    sequences: Sequence[TokenSequence],
    length: int,
    padding_id: int,
    packing: bool = True,
    split: bool = False,
) -> Iterator[Row]:
    """Rows of `length` tokens that hold every sequence once.

    Equal sequences always give equal rows. Unless one was split, the rows come in the order of the
    first sequence in each, and in a row the sequences are in order.

    sequences: of 1 to `length` tokens each, or more if they may be split; others raise ValueError.
    padding_id: the id at the end of a row that is not full: the end of text.
    packing: False gives each sequence, or each piece of one, a row of its own.
    split: whether sequences longer than a row are cut.
    """
    sizes = [len(sequence.ids) for sequence in sequences]
    for place, size in enumerate(sizes):
        if size < 1 or (size > length and not split):
            raise ValueError(f"sequence {place} has {size} tokens, a row 1 to {length}")
    layout = layout_of(sizes, length, packing)
    return (
        _row([_cut(sequences[place], *span) for place, *span in pieces], length, padding_id)
        for pieces in layout
    )


def layout_of(sizes: list[int], length: int, packing: bool) -> Iterable[list[Piece]]:
    """What `pack` puts into each row, in order, of sequences of these sizes."""
    return _packed(sizes, length) if packing else _apart(sizes, length)


def _apart(sizes: list[int], length: int) -> Iterator[list[Piece]]:
    """Each sequence in rows of its own."""
    for place, size in enumerate(sizes):
        for start in range(0, max(1, size - 1), length - 1):
            yield [(place, start, min(start + length, size))]


def _packed(sizes: list[int], length: int) -> list[list[Piece]]:
    short = [place for place, size in enumerate(sizes) if size <= length]
    groups = _best_fit_decreasing([sizes[place] for place in short], length)
    rows = [[(short[i], 0, sizes[short[i]]) for i in group] for group in groups]
    long = [(place, size) for place, size in enumerate(sizes) if size > length]
    return _fill(rows, long, length) if long else rows


def _fill(rows: list[list[Piece]], long: list[tuple[int, int]], length: int) -> list[list[Piece]]:
    """The rows with the long sequences (place, size) cut into their room and into more rows.

    A sequence begins in the room behind the end of the one before; goes on in whole rows while it
    can; and what is then left of it takes its share of the rows with the most room, or a new row.
    """
    least = max(2, length // _LEAST_ROOM)

    def room(row: list[Piece]) -> int:
        return length - sum(stop - start for _, start, stop in row)

    filled = [row for row in rows if room(row) < least]
    roomy = sorted((row for row in rows if room(row) >= least), key=room)
    current: list[Piece] = []
    for number, (place, size) in enumerate(long):
        share = -(-len(roomy) // (len(long) - number))
        if room(current) < least:
            filled.append(current)
            current = []
        stop = min(size, room(current))
        current = [*current, (place, 0, stop)]
        while stop < size:
            filled.append(current)
            start = stop - 1
            current = []
            if size - start <= length and share:
                current = roomy.pop()
                share -= 1
            stop = min(size, start + room(current))
            current = [(place, start, stop), *current]
    return [*filled, current, *roomy]


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


def _cut(sequence: TokenSequence, start: int, stop: int) -> TokenSequence:
    loss = sequence.loss[start:stop].copy()
    loss[0] = False
    return TokenSequence(sequence.ids[start:stop], loss)


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
