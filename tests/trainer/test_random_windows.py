"""Random windows: drawn from whole streams by (seed, step), never over the end of one."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from preprocessing.records.tfrecords import tfrecords_of
from preprocessing.tokens.packing import pack
from preprocessing.tokens.rows import row_to_example
from preprocessing.tokens.sequences import TokenSequence
from trainer.random_windows import RandomWindows, Stream
from trainer.row_files import read_training_rows


def stream(start: int, size: int) -> Stream:
    """Ids that count from `start`, all in the loss but the first."""
    return Stream(np.arange(start, start + size).astype(np.uint16), np.arange(size) > 0)


def windows_of(rows: RandomWindows, steps: int = 50, seed: int = 1) -> list[tuple[int, ...]]:
    """The tokens, without padding, of the windows of some steps."""
    batches = [rows.training_batch(step, 8, seed) for step in range(steps)]
    return [
        tuple(ids[segments > 0].tolist())
        for batch in batches
        for ids, segments in zip(batch["input_ids"], batch["segment_ids"], strict=True)
    ]


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(1, 30), min_size=1, max_size=5), st.integers(2, 12))
def test_a_window_is_consecutive_tokens_of_one_stream(sizes: list[int], length: int) -> None:
    rows = RandomWindows([stream(100 * n, size) for n, size in enumerate(sizes)], length)
    for window in windows_of(rows, steps=3):
        number = window[0] // 100
        assert window == tuple(range(window[0], window[0] + min(length, sizes[number])))
        assert window[-1] < 100 * number + sizes[number]


def test_every_window_of_every_stream_is_drawn_about_as_often() -> None:
    rows = RandomWindows([stream(0, 8), stream(100, 3), stream(200, 6)], 4)
    found = windows_of(rows, steps=500)
    expected = {tuple(range(n, n + 4)) for n in [*range(5), 200, 201, 202]} | {(100, 101, 102)}
    assert set(found) == expected
    counts = np.array([found.count(window) for window in expected])
    assert counts.min() > 0.7 * counts.mean()


def test_the_first_token_and_padding_are_out_of_the_loss() -> None:
    batch = RandomWindows([stream(0, 3)], 5).training_batch(0, 1, 0)
    assert {name: value[0].tolist() for name, value in batch.items()} == {
        "input_ids": [0, 1, 2, 0, 0],
        "loss_mask": [0, 1, 1, 0, 0],
        "segment_ids": [1, 1, 1, 0, 0],
        "positions": [0, 1, 2, 0, 0],
    }
    assert all(value.dtype == np.int32 for value in batch.values())
    batch = RandomWindows([stream(0, 30)], 5).training_batch(0, 8, 0)
    assert batch["input_ids"][:, 0].any()
    assert batch["loss_mask"].tolist() == [[0, 1, 1, 1, 1]] * 8


def test_windows_depend_on_seed_and_step_alone() -> None:
    rows = RandomWindows([stream(0, 1000)], 8)
    assert windows_of(rows, 5) == windows_of(rows, 5)
    assert windows_of(rows, 5) != windows_of(rows, 5, seed=2)
    assert len(set(windows_of(rows, 5))) > 30

    def read(first_step: int) -> list[np.ndarray]:
        return [rows.training_batch(step, 3, 5)["input_ids"] for step in range(first_step, 9)]

    np.testing.assert_array_equal(read(0)[4:], read(4))


def test_an_epoch_has_as_many_windows_as_hold_all_tokens() -> None:
    assert len(RandomWindows([stream(0, 20), stream(100, 1)], 8)) == 3


@pytest.mark.parametrize("vocabulary", [300, 70_000])
def test_streams_are_read_whole_from_their_rows(tmp_path: Path, vocabulary: int) -> None:
    """A file of more rows than are read at once, one of few, one of none."""
    rng = np.random.default_rng(3)
    streams = []
    for name, size in (("a", 6000), ("b", 4), ("c", 0)):
        ids = rng.integers(0, vocabulary, size).astype(np.int32)
        loss = (rng.random(size) < 0.5) & (np.arange(size) > 0)
        streams.append(Stream(ids, loss))
        with (tmp_path / name).open("wb") as file:
            one = [TokenSequence(ids, loss)] if size else []
            rows = pack(one, 5, 0, packing=False, split=True)
            file.write(tfrecords_of(map(row_to_example, rows)))
    found = read_training_rows([str(tmp_path / "*")], 5, random_windows=True)
    assert isinstance(found, RandomWindows)
    expected = RandomWindows(streams[:2], 5)
    assert found._ids.dtype == (np.uint16 if vocabulary < 2**16 else np.int32)
    for step in range(20):
        for name, value in expected.training_batch(step, 8, 1).items():
            np.testing.assert_array_equal(found.training_batch(step, 8, 1)[name], value)
