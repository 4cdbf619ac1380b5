"""Packing: nothing lost, nothing cut, few rows."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from unpacking import rejoin, unpack

from preprocessing.tokens.packing import pack
from preprocessing.tokens.rows import Row
from preprocessing.tokens.sequences import TokenSequence

PADDING = 99


def sequence(ids: list[int], loss: list[bool] | None = None) -> TokenSequence:
    if loss is None:
        loss = [place > 0 for place in range(len(ids))]
    return TokenSequence(np.array(ids, np.int32), np.array(loss, bool))


def of_sizes(*sizes: int) -> list[TokenSequence]:
    """Sequences of these sizes, the first of 1s, the second of 2s, ..."""
    return [sequence([number] * size) for number, size in enumerate(sizes, start=1)]


def packed(sequences: list[TokenSequence], length: int, packing: bool = True) -> list[list[int]]:
    return [row.input_ids.tolist() for row in pack(sequences, length, PADDING, packing)]


def contents(sequences: list[TokenSequence]) -> list[tuple[list[int], list[bool]]]:
    return sorted((s.ids.tolist(), s.loss.tolist()) for s in sequences)


@st.composite
def sequences_and_length(draw: st.DrawFn) -> tuple[list[TokenSequence], int]:
    length = draw(st.integers(2, 70))
    sizes = draw(st.lists(st.integers(1, length), max_size=30))
    sequences = []
    for size in sizes:
        ids = draw(st.lists(st.integers(0, 50256), min_size=size, max_size=size))
        loss = [False, *draw(st.lists(st.booleans(), min_size=size - 1, max_size=size - 1))]
        sequences.append(sequence(ids, loss))
    return sequences, length


@given(sequences_and_length(), st.booleans())
def test_unpacking_gives_every_sequence_back(
    case: tuple[list[TokenSequence], int], packing: bool
) -> None:
    sequences, length = case
    rows = list(pack(sequences, length, PADDING, packing))
    assert contents(list(unpack(rows))) == contents(sequences)
    for row in rows:
        check_row(row, length)


def check_row(row: Row, length: int) -> None:
    for values in (row.input_ids, row.loss_mask, row.segment_ids, row.positions):
        assert values.shape == (length,)
        assert values.dtype == np.int64
    padding = row.segment_ids == 0
    used = int((~padding).sum())
    assert not padding[:used].any()
    assert (row.input_ids[padding] == PADDING).all()
    assert not row.loss_mask[padding].any()
    assert not row.positions[padding].any()
    starts = np.flatnonzero(np.diff(row.segment_ids[:used], prepend=0))
    assert not row.loss_mask[starts].any()
    for start, end in zip(starts, [*starts[1:], used], strict=True):
        assert row.positions[start:end].tolist() == list(range(end - start))


def test_what_is_left_of_each_long_sequence_takes_its_share_of_the_room_and_no_more() -> None:
    long = [sequence(list(range(first, first + 10))) for first in (11, 21)]
    rows = pack([*of_sizes(4, 4), *long], 6, PADDING, split=True)
    assert [row.input_ids.tolist() for row in rows] == [
        [11, 12, 13, 14, 15, 16],
        [16, 17, 2, 2, 2, 2],
        [17, 18, 19, 20, 21, 22],
        [22, 23, 24, 25, 26, 27],
        [27, 28, 1, 1, 1, 1],
        [28, 29, 30, PADDING, PADDING, PADDING],
    ]


def test_a_row_tells_its_sequences_apart() -> None:
    sequences = [sequence([5, 7, 9], [False, False, True]), sequence([4, 6], [False, True])]
    (row,) = pack(sequences, 6, PADDING)
    assert row.input_ids.tolist() == [5, 7, 9, 4, 6, PADDING]
    assert row.segment_ids.tolist() == [1, 1, 1, 2, 2, 0]
    assert row.positions.tolist() == [0, 1, 2, 0, 1, 0]
    assert row.loss_mask.tolist() == [0, 0, 1, 0, 1, 0]


def test_each_sequence_goes_where_it_leaves_the_least_room() -> None:
    assert packed(of_sizes(4, 3, 3, 2), 6) == [[1, 1, 1, 1, 4, 4], [2, 2, 2, 3, 3, 3]]
    # The 2 fits behind the 3 as well as behind the 4, where it fills the row.
    assert packed(of_sizes(3, 4, 2), 6) == [[1, 1, 1, *[PADDING] * 3], [2, 2, 2, 2, 3, 3]]


def test_equal_sequences_are_placed_in_their_order() -> None:
    assert packed(of_sizes(2, 2, 2, 2), 4) == [[1, 1, 2, 2], [3, 3, 4, 4]]
    assert packed(of_sizes(2, 4, 2, 4), 4) == [[1, 1, 3, 3], [2] * 4, [4] * 4]


def test_without_packing_each_sequence_has_a_row_of_its_own() -> None:
    assert packed(of_sizes(2, 1, 4), 4, packing=False) == [
        [1, 1, PADDING, PADDING],
        [2, PADDING, PADDING, PADDING],
        [3, 3, 3, 3],
    ]


def test_no_sequences_give_no_rows() -> None:
    assert packed([], 6) == []


@pytest.mark.parametrize("size", [0, 7])
def test_a_sequence_that_is_empty_or_too_long_is_refused(size: int) -> None:
    with pytest.raises(ValueError, match=f"sequence 0 has {size} tokens, a row 1 to 6"):
        pack(of_sizes(size), 6, PADDING)


def story_sizes() -> list[int]:
    """Tokens of 3,000 records like those of CNN/DailyMail: an article of about 900, a summary of 75.

    36% are longer than 1,024.
    """
    draws = np.random.default_rng(7)
    articles = draws.lognormal(np.log(915) - 0.45**2 / 2, 0.45, size=3_000)
    return (
        (np.maximum(articles, 30) + np.clip(draws.normal(75, 20, 3_000), 10, None))
        .astype(int)
        .tolist()
    )


def fewest_rows(sizes: list[int], length: int) -> int:
    """A lower bound for any packing (Martello and Toth, 1990, L2, https://doi.org/10.1016/0166-218X(90)90094-S).

    Of two sequences above half a row no two share one, and above `length - small` they share with
    none of at least `small`.
    """
    array = np.array(sizes)
    bounds = []
    for small in range(length // 2 + 1):
        alone = array > length - small
        large = (array > length / 2) & ~alone
        rest = (array <= length / 2) & (array >= small)
        room = int(large.sum()) * length - int(array[large].sum())
        more = max(0, int(array[rest].sum()) - room)
        bounds.append(int(alone.sum()) + int(large.sum()) + -(-more // length))
    return max(bounds)


@pytest.mark.parametrize("length", [256, 512, 1024])
@pytest.mark.parametrize("over_long", ["truncate_prompt", "drop"])
def test_whole_stories_take_half_a_percent_more_rows_than_they_must_at_most(
    length: int, over_long: str
) -> None:
    sizes = [min(size, length) for size in story_sizes() if over_long != "drop" or size <= length]
    rows = len(packed([sequence([1] * size) for size in sizes], length))
    assert rows <= 1.005 * fewest_rows(sizes, length)


def test_whole_stories_fill_97_percent_of_long_rows() -> None:
    """The lower bound is loose where two stories and more go into a row."""
    sizes = [size for size in story_sizes() if size <= 2048]
    rows = len(packed([sequence([1] * size) for size in sizes], 2048))
    assert sum(sizes) / (rows * 2048) >= 0.97


@pytest.mark.parametrize("length", [256, 512, 1024, 2048])
def test_split_stories_fill_97_percent_of_the_rows(length: int) -> None:
    sizes = story_sizes()
    assert 0.35 < np.mean(np.array(sizes) > 1024) < 0.4
    rows = list(pack([sequence([1] * size) for size in sizes], length, PADDING, split=True))
    assert sum(int((row.segment_ids > 0).sum()) for row in rows) / (len(rows) * length) >= 0.97


def test_a_long_sequence_is_cut_to_the_room_of_the_others() -> None:
    sequences = [sequence([7, 7, 7, 7]), sequence([1, 2, 3, 4, 5, 6, 7, 8, 9])]
    rows = list(pack(sequences, 6, PADDING, split=True))
    assert [row.input_ids.tolist() for row in rows] == [
        [1, 2, 3, 4, 5, 6],
        [6, 7, 7, 7, 7, 7],
        [7, 8, 9, PADDING, PADDING, PADDING],
    ]
    assert [row.segment_ids.tolist() for row in rows[1:]] == [
        [1, 1, 2, 2, 2, 2],
        [1, 1, 1, 0, 0, 0],
    ]
    assert [row.loss_mask.tolist() for row in rows] == [
        [0, 1, 1, 1, 1, 1],
        [0, 1, 0, 1, 1, 1],
        [0, 1, 1, 0, 0, 0],
    ]


@st.composite
def records_and_length(draw: st.DrawFn) -> tuple[list[TokenSequence], int]:
    """Sequences that end with PADDING, the end of text, some longer than a row."""
    length = draw(st.integers(2, 40))
    sequences = []
    for size in draw(st.lists(st.integers(0, 4 * length), max_size=20)):
        ids = draw(st.lists(st.integers(0, PADDING - 1), min_size=size, max_size=size))
        loss = [False, *draw(st.lists(st.booleans(), min_size=size, max_size=size))]
        sequences.append(sequence([*ids, PADDING], loss))
    return sequences, length


@given(records_and_length(), st.booleans())
def test_split_sequences_are_found_again_and_only_long_ones_were_cut(
    case: tuple[list[TokenSequence], int], packing: bool
) -> None:
    sequences, length = case
    rows = list(pack(sequences, length, PADDING, packing, split=True))
    for row in rows:
        check_row(row, length)
    assert contents(list(rejoin(rows, PADDING))) == contents(sequences)
    whole = [s for s in sequences if len(s.ids) <= length]
    pieces = contents(list(unpack(rows)))
    for one in contents(whole):
        pieces.remove(one)


def test_rows_that_end_within_a_sequence_are_refused() -> None:
    rows = list(pack([sequence([1, 2, 3, PADDING])], 3, PADDING, split=True))
    with pytest.raises(ValueError, match="end within a sequence"):
        list(rejoin(rows[:1], PADDING))
