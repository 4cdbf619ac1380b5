"""Rows of token ids, what the trainer reads, and their form on disk: one tf.train.Example a row."""

import gzip
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np

from preprocessing.records.examples import decode_example, encode_example
from preprocessing.records.tfrecords import read_tfrecords


@dataclass(frozen=True, eq=False)
class Row:
    """Sequences side by side in a row of fixed length; each field is int64 [length].

    Two sequences, of three tokens and of two, in a row of six:

        input_ids    [ 5  7  9  4  6  0 ]    the padding is the end of text id, here 0
        segment_ids  [ 1  1  1  2  2  0 ]    0 is padding
        positions    [ 0  1  2  0  1  0 ]    start again in each sequence
        loss_mask    [ 0  0  1  0  1  0 ]    1: predicting this token, from those before it,
                                             counts; never the first of a sequence

    Attributes:
        input_ids: the tokens.
        loss_mask: 0 or 1.
        segment_ids: 1, 2, ... by sequence.
        positions: the place within the sequence.
    """

    input_ids: np.ndarray
    loss_mask: np.ndarray
    segment_ids: np.ndarray
    positions: np.ndarray


FEATURES = ("input_ids", "loss_mask", "segment_ids", "positions")


def row_to_example(row: Row) -> bytes:
    """The row as a serialised tf.train.Example with the features FEATURES, int64 [length] each."""
    return encode_example({name: getattr(row, name) for name in FEATURES})


def example_to_row(data: bytes) -> Row:
    """The row in a serialised Example.

    Raises:
        ValueError: `data` is not an Example, or not one with these features of one length.
    """
    features = decode_example(data)
    lengths = {name: len(features.get(name, [])) for name in FEATURES}
    if len(set(lengths.values())) > 1 or lengths["input_ids"] == 0:
        raise ValueError(f"not a token row: the lengths of its features are {lengths}")
    return Row(**{name: np.array(features[name], dtype=np.int64) for name in FEATURES})


def read_rows(paths: Iterable[str | Path]) -> Iterator[Row]:
    """The rows of TFRecord files, in order; a file whose name ends in `.gz` is decompressed.

    Raises:
        OSError: a file cannot be read.
        ValueError: a file is damaged or holds something else.
    """
    for path in paths:
        opener = gzip.open if str(path).endswith(".gz") else open
        with opener(path, "rb") as file:
            for data in read_tfrecords(cast(BinaryIO, file)):
                yield example_to_row(data)
