"""Token rows made in a test, in memory and in files."""

import gzip
from pathlib import Path

import numpy as np
import tensorflow as tf

from trainer.data import FEATURES, TokenRows


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
    plain = path.with_suffix(".plain")
    with tf.io.TFRecordWriter(str(plain)) as writer:
        for row in range(len(rows)):
            feature = {
                name: tf.train.Feature(
                    int64_list=tf.train.Int64List(value=rows.features[name][row].astype(int))
                )
                for name in FEATURES
            }
            example = tf.train.Example(features=tf.train.Features(feature=feature))
            writer.write(example.SerializeToString())
    content = plain.read_bytes()
    plain.unlink()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
