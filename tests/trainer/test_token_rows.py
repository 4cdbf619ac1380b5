"""Token rows: reading, order by (seed, epoch), resume from any step, validation batches."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from preprocessing.base.errors import InputError
from tests.trainer.token_rows import counting_rows, write_rows
from trainer.data import FEATURES, TokenRows
from trainer.row_files import read_rows, read_training_rows


def first_ids(rows: TokenRows, steps: range, batch_size: int, seed: int = 1) -> list[int]:
    """The first id of every row of the batches, which tells counting rows apart."""
    return [
        int(number)
        for step in steps
        for number in rows.training_batch(step, batch_size, seed)["input_ids"][:, 0]
    ]


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 20), st.integers(1, 7), st.integers(0, 5))
def test_every_epoch_holds_every_row_once(count: int, batch_size: int, seed: int) -> None:
    rows = counting_rows(count)
    order = first_ids(rows, range(3 * count), batch_size, seed)
    for start in range(0, 3 * count, count):
        assert sorted(order[start : start + count]) == list(range(count))


def test_epochs_and_seeds_have_orders_of_their_own() -> None:
    rows = counting_rows(50)
    order = first_ids(rows, range(10), batch_size=10)
    assert order[:50] != order[50:]
    assert order[:50] != list(range(50))
    assert order == first_ids(rows, range(10), batch_size=10)
    assert order != first_ids(rows, range(10), batch_size=10, seed=2)


def test_fewer_rows_than_a_batch_fill_it() -> None:
    order = first_ids(counting_rows(3), range(1), batch_size=8)
    assert sorted(Counter(order).values()) == [2, 3, 3]


def test_a_reader_that_starts_at_a_step_gets_what_follows_there() -> None:
    rows = counting_rows(7)

    def read(first_step: int) -> list[np.ndarray]:
        return [rows.training_batch(step, 3, 5)["input_ids"] for step in range(first_step, 9)]

    whole = read(0)
    assert len(whole) == 9
    np.testing.assert_array_equal(whole[4:], read(4))


def test_validation_sees_every_row_once_and_pads_the_last_batch() -> None:
    batches = list(counting_rows(5).batches(2))
    ids = np.concatenate([batch["input_ids"][:, 0] for batch in batches])
    segments = np.concatenate([batch["segment_ids"] for batch in batches])
    assert ids.tolist() == [0, 1, 2, 3, 4, 0]
    assert segments.any(axis=1).tolist() == [True] * 5 + [False]
    assert not batches[-1]["loss_mask"][1].any()


def test_plain_and_compressed_files_are_read_in_order_of_name(tmp_path: Path) -> None:
    rows = counting_rows(6)
    parts = [
        TokenRows({name: value[i::2] for name, value in rows.features.items()}) for i in range(2)
    ]
    write_rows(tmp_path / "data-00001.gz", parts[1])
    write_rows(tmp_path / "data-00000", parts[0])
    found = read_rows([str(tmp_path / "data-*"), str(tmp_path / "data-00000")], 8)
    assert found.features["input_ids"][:, 0].tolist() == [0, 2, 4, 1, 3, 5]
    for name in FEATURES:
        expected = np.concatenate([part.features[name] for part in parts])
        np.testing.assert_array_equal(found.features[name], expected)
    trained_on = read_training_rows([str(tmp_path / "data-*")], 8)
    assert isinstance(trained_on, TokenRows)
    np.testing.assert_array_equal(trained_on.features["input_ids"], found.features["input_ids"])


def test_a_token_takes_eleven_bytes_and_is_not_held_twice() -> None:
    wide = {name: np.ones([2, 8], np.int64) for name in FEATURES}
    rows = TokenRows(wide)
    assert sum(value.nbytes for value in rows.features.values()) == 11 * 2 * 8
    again = TokenRows(rows.features)
    for name, value in rows.features.items():
        assert np.shares_memory(value, again.features[name])


def test_the_folder_of_a_pattern_is_taken_as_it_is(tmp_path: Path) -> None:
    for count, folder in enumerate(("exp [1]", "exp 1"), start=1):
        (tmp_path / folder).mkdir()
        write_rows(tmp_path / folder / "rows", counting_rows(count))
    assert len(read_rows([str(tmp_path / "exp [1]" / "*")], 8)) == 1


def test_no_row_is_fine_for_validation_and_a_fault_for_training(tmp_path: Path) -> None:
    write_rows(tmp_path / "empty", counting_rows(0))
    patterns = [str(tmp_path / "empty"), str(tmp_path / "absent-*")]
    assert len(read_rows(patterns, 8)) == 0
    for random_windows in (False, True):
        with pytest.raises(InputError, match=r"absent-\*: no token row to train on"):
            read_training_rows(patterns, 8, random_windows)


@pytest.mark.parametrize("name", ["rows", "rows.gz"])
def test_a_truncated_file_is_named(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    write_rows(path, counting_rows(20))
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(InputError, match=rf"{name}: .*damaged"):
        read_rows([str(path)], 8)


def test_rows_of_another_length_are_named(tmp_path: Path) -> None:
    write_rows(tmp_path / "rows", counting_rows(2))
    with pytest.raises(InputError, match="not token rows of 16 tokens"):
        read_rows([str(tmp_path / "rows")], 16)


def test_a_file_that_is_not_compressed_as_its_name_says_is_named(tmp_path: Path) -> None:
    (tmp_path / "rows.gz").write_bytes(b"no gzip")
    with pytest.raises(InputError, match=r"rows\.gz: .*damaged"):
        read_rows([str(tmp_path / "rows.gz")], 8)
