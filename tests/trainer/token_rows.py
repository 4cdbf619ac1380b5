"""Token rows made in a test, in memory and in files."""

import gzip
from pathlib import Path

import numpy as np

from preprocessing.records.tfrecords import tfrecords_of
from preprocessing.tokens.rows import FEATURES, Row, row_to_example
from trainer.data import TokenRows


def counting_rows(count: int, length: int = 8, vocabulary: int = 61) -> TokenRows:
    """Rows that can be told apart: row r counts up from r; one segment, all in the loss."""
    numbers = np.arange(count)[:, np.newaxis] + np.arange(length)
    mask = np.ones([count, length], np.int64)
    mask[:, 0] = 0
    return TokenRows(
        {
            "input_ids": numbers % vocabulary,
            "loss_mask": mask,
            "segment_ids": np.ones([count, length], np.int64),
            "positions": np.tile(np.arange(length), [count, 1]),
        }
    )


def write_rows(path: Path, rows: TokenRows) -> None:
    """Write rows as a TFRecord file, compressed where the name ends in .gz."""
    content = tfrecords_of(
        row_to_example(Row(*(rows.features[name][row].astype(np.int64) for name in FEATURES)))
        for row in range(len(rows))
    )
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
