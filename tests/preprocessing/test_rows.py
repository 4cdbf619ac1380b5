"""Rows on disk."""

import gzip
import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from preprocessing.records.examples import decode_example, encode_example
from preprocessing.records.tfrecords import tfrecords_of
from preprocessing.tokens.packing import pack
from preprocessing.tokens.rows import FEATURES, Row, example_to_row, read_rows, row_to_example
from preprocessing.tokens.sequences import TokenSequence


def row(first: int = 5) -> Row:
    return Row(
        input_ids=np.array([first, 7, 50256]),
        loss_mask=np.array([0, 1, 0]),
        segment_ids=np.array([1, 1, 0]),
        positions=np.array([0, 1, 0]),
    )


def values(a_row: Row) -> list[list[int]]:
    return [getattr(a_row, name).tolist() for name in FEATURES]


def test_a_row_comes_back_from_its_example() -> None:
    back = example_to_row(row_to_example(row()))
    assert values(back) == values(row())
    assert all(getattr(back, name).dtype == np.int64 for name in FEATURES)


def test_an_example_has_the_tokens_and_the_lengths_of_sequences_and_of_runs_of_the_loss() -> None:
    features = decode_example(row_to_example(row()))
    assert features == {"input_ids": [5, 7, 50256], "lengths": [2], "loss_lengths": [1, 1]}


@given(
    st.lists(st.lists(st.booleans(), min_size=1, max_size=9), min_size=1, max_size=5),
    st.integers(0, 4),
)
def test_any_packed_row_comes_back(sequences: list[list[bool]], padding: int) -> None:
    length = sum(map(len, sequences)) + padding
    masks = [np.array([False, *in_loss[1:]]) for in_loss in sequences]
    packed = [TokenSequence(np.arange(len(mask), dtype=np.int32) + 3, mask) for mask in masks]
    for a_row in pack(packed, length, padding_id=0):
        assert values(example_to_row(row_to_example(a_row))) == values(a_row)


@pytest.mark.parametrize(
    "features",
    [
        {},
        {"input_ids": [1]},
        {"input_ids": [1, 2], "lengths": [3]},
        {"input_ids": [1, 2], "lengths": [-1, 2]},
        {"input_ids": [1, 2, 0], "lengths": [2], "loss_lengths": [1, 2]},
        {"input_ids": [1], "loss_mask": [0], "segment_ids": [1], "positions": [0]},
    ],
)
def test_another_example_is_refused(features: dict[str, list[int]]) -> None:
    with pytest.raises(ValueError, match=r"not a token row|negative"):
        example_to_row(encode_example(features))


@pytest.mark.parametrize(
    "content", [b"\x1f\x8b", gzip.compress(bytes(9), mtime=0)[:-9], b"no gzip"]
)
def test_a_broken_compressed_file_is_no_file_of_rows(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "rows.gz"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"end-of-stream|gzip"):
        list(read_rows([path]))


def test_rows_are_read_from_files_in_order_compressed_or_not(tmp_path: Path) -> None:
    plain, compressed, empty = (tmp_path / name for name in ("a.tfrecord", "b.gz", "c.tfrecord"))
    with plain.open("wb") as file:
        file.write(tfrecords_of([row_to_example(row(1)), row_to_example(row(2))]))
    buffer = io.BytesIO()
    buffer.write(tfrecords_of([row_to_example(row(3))]))
    compressed.write_bytes(gzip.compress(buffer.getvalue()))
    empty.touch()
    read = read_rows([compressed, empty, str(plain)])
    assert [int(r.input_ids[0]) for r in read] == [3, 1, 2]
