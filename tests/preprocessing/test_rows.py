"""Rows on disk."""

import gzip
import io
from pathlib import Path

import numpy as np
import pytest

from preprocessing.records.examples import decode_example, encode_example
from preprocessing.records.tfrecords import write_tfrecords
from preprocessing.tokens.rows import FEATURES, Row, example_to_row, read_rows, row_to_example


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


def test_an_example_has_the_four_features_of_one_length() -> None:
    features = decode_example(row_to_example(row()))
    assert features == {
        "input_ids": [5, 7, 50256],
        "loss_mask": [0, 1, 0],
        "segment_ids": [1, 1, 0],
        "positions": [0, 1, 0],
    }


@pytest.mark.parametrize(
    "features",
    [
        {},
        {"input_ids": [1]},
        {"input_ids": [1, 2], "loss_mask": [1], "segment_ids": [1, 1], "positions": [0, 1]},
    ],
)
def test_another_example_is_refused_with_its_lengths(features: dict[str, list[int]]) -> None:
    with pytest.raises(ValueError, match="not a token row: the lengths"):
        example_to_row(encode_example(features))


def test_rows_are_read_from_files_in_order_compressed_or_not(tmp_path: Path) -> None:
    plain, compressed, empty = (tmp_path / name for name in ("a.tfrecord", "b.gz", "c.tfrecord"))
    with plain.open("wb") as file:
        write_tfrecords(file, [row_to_example(row(1)), row_to_example(row(2))])
    buffer = io.BytesIO()
    write_tfrecords(buffer, [row_to_example(row(3))])
    compressed.write_bytes(gzip.compress(buffer.getvalue()))
    empty.touch()
    read = read_rows([compressed, empty, str(plain)])
    assert [int(r.input_ids[0]) for r in read] == [3, 1, 2]
