"""Packing: nothing lost, nothing cut, few rows."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from preprocessing.packing import pack, unpack
from preprocessing.rows import Row
from preprocessing.token_sequences import TokenSequence

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


def story_sizes(most: int) -> list[int]:
    """Tokens of 10,000 records like those of CNN/DailyMail: 800 on average, at most `most`."""
    lengths = np.random.default_rng(7).lognormal(mean=np.log(800) - 0.125, sigma=0.5, size=10_000)
    return np.clip(lengths, 60, most).astype(int).tolist()


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
def test_news_stories_take_at_most_one_percent_more_rows_than_they_must(length: int) -> None:
    sizes = story_sizes(most=length)
    rows = len(packed([sequence([1] * size) for size in sizes], length))
    assert rows <= 1.01 * fewest_rows(sizes, length)


@pytest.mark.parametrize(("length", "most"), [(256, 256), (2048, 1024)])
def test_rows_of_news_stories_are_97_percent_full(length: int, most: int) -> None:
    sizes = story_sizes(most)
    rows = len(packed([sequence([1] * size) for size in sizes], length))
    assert sum(sizes) / (rows * length) >= 0.97
