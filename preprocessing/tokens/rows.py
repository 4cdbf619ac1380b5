"""Rows of token ids, what the trainer reads, and their form on disk: one tf.train.Example a row."""

import gzip
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np

from preprocessing.records.examples import decode_example, encode_example
from preprocessing.records.tfrecords import read_tfrecords

TOKEN_BYTES = 4 * 8  # in the four fields of a row


@dataclass(frozen=True, eq=False)
class Row:
    """Sequences side by side in a row of fixed length; each field is int64 [length].

    Two sequences, of three tokens and of two, in a row of six:

        input_ids    [ 5  7  9  4  6  0 ]    the padding is the end of text id, here 0
        segment_ids  [ 1  1  1  2  2  0 ]    0 is padding
        positions    [ 0  1  2  0  1  0 ]    start again in each sequence
        loss_mask    [ 0  0  1  0  1  0 ]    1: predicting this token, from those before it,
                                             counts; never the first of a sequence
    """

    input_ids: np.ndarray
    loss_mask: np.ndarray
    segment_ids: np.ndarray
    positions: np.ndarray


FEATURES = ("input_ids", "loss_mask", "segment_ids", "positions")


def row_to_example(row: Row) -> bytes:
    """The row as a serialised tf.train.Example, int64 each: its tokens, and the lengths of what is in it.

        input_ids      5 7 9 4 6 0
        lengths        3 2            of each sequence; what is behind them is padding
        loss_lengths   2 1 1 1        of runs of tokens, out of the loss and in it in turn; the rest is out of it

    A row of 1,024 has 2.8 KB so, where the four fields have 6.7, and is written and read in half the time.
    """
    cuts = np.flatnonzero(np.diff(row.loss_mask, prepend=0, append=0))
    return encode_example(
        {
            "input_ids": row.input_ids,
            "lengths": np.bincount(row.segment_ids)[1:],
            "loss_lengths": np.diff(cuts, prepend=0),
        }
    )


def example_to_row(data: bytes) -> Row:
    """The row in a serialised Example. Raises ValueError for anything else."""
    features = decode_example(data)
    input_ids, lengths, loss_lengths = (
        np.array(features.get(name, []), np.int64)
        for name in ("input_ids", "lengths", "loss_lengths")
    )
    length, used = len(input_ids), int(lengths.sum())
    if not 0 < used <= length or loss_lengths.sum() > used:
        raise ValueError(
            f"not a token row: {length} tokens, sequences of {lengths.tolist()}, the loss by runs of "
            f"{loss_lengths.tolist()}"
        )
    loss_mask, segment_ids, positions = np.zeros((3, length), np.int64)
    loss_mask[: loss_lengths.sum()] = np.repeat(np.arange(len(loss_lengths)) % 2, loss_lengths)
    segment_ids[:used] = np.repeat(np.arange(len(lengths)) + 1, lengths)
    positions[:used] = np.arange(used) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    return Row(input_ids, loss_mask, segment_ids, positions)


def read_rows(paths: Iterable[str | Path]) -> Iterator[Row]:
    """The rows of TFRecord files, in order; a file whose name ends in `.gz` is decompressed.

    Raises OSError, and ValueError for a file that is damaged or holds something else.
    """
    for path in paths:
        opener = gzip.open if str(path).endswith(".gz") else open
        try:
            with opener(path, "rb") as file:
                yield from map(example_to_row, read_tfrecords(cast(BinaryIO, file)))
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise ValueError(str(error)) from error
