"""Token rows for training and validation, read from TFRecord files into memory.

A row takes 11 bytes a token in memory (ids and positions int32, segments uint16, mask bool): a
million rows of 256 tokens take 2.8 GB.
"""

import glob
import os
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Protocol

import numpy as np
import tensorflow as tf

from preprocessing.base.errors import InputError
from trainer.bounds import Bounds
from trainer.random_windows import RandomWindows, Stream

# how each feature of a row is kept; segment ids and positions are below the sequence length
FEATURES: dict[str, type[np.generic]] = {
    "input_ids": np.int32,
    "loss_mask": np.bool_,
    "segment_ids": np.uint16,
    "positions": np.int32,
}
Batch = dict[str, np.ndarray]


class TrainingRows(Protocol):
    """What is trained on: TokenRows or RandomWindows."""

    @property
    def sequence_length(self) -> int:
        """Tokens in a row."""

    def __len__(self) -> int:
        """Rows in an epoch."""

    def training_batch(self, step: int, batch_size: int, seed: int) -> Batch:
        """The batch of a step, int32 [batch_size, L] each: a function of step and seed alone."""

    def bounds(self, batch_size: int) -> Bounds:
        """What holds for every batch of this size."""


class TokenRows:
    """Rows of tokens: the features [n, L] of `FEATURES`, and batches of them.

    features: an array for each name of `FEATURES`, all of one shape.
    """

    def __init__(self, features: Batch) -> None:
        self.features = {
            name: np.asarray(features[name]).astype(dtype) for name, dtype in FEATURES.items()
        }

    def __len__(self) -> int:
        return len(self.features["input_ids"])

    @property
    def sequence_length(self) -> int:
        """Tokens in a row."""
        return int(self.features["input_ids"].shape[1])

    def training_batch(self, step: int, batch_size: int, seed: int) -> Batch:
        """The batch of a step, int32 [batch_size, L] each: a function of step and seed alone.

        The rows of an epoch are a permutation by (seed, epoch); epoch follows epoch without a gap,
        so a batch can reach into the next, and one larger than the data holds a row more than once.
        """
        numbers = np.arange(step * batch_size, (step + 1) * batch_size)
        epochs, places = np.divmod(numbers, len(self))
        chosen = np.concatenate(
            [
                _permutation(len(self), seed, int(epoch))[places[epochs == epoch]]
                for epoch in np.unique(epochs)
            ]
        )
        return self._rows(chosen)

    def batches(self, batch_size: int) -> Iterator[Batch]:
        """Every row once and in order, int32 [batch_size, L] each.

        The last batch is filled with rows of padding: nothing of them counts in a loss.
        """
        for start in range(0, len(self), batch_size):
            batch = self._rows(np.arange(start, min(start + batch_size, len(self))))
            missing = batch_size - len(batch["input_ids"])
            yield {name: np.pad(value, [(0, missing), (0, 0)]) for name, value in batch.items()}

    def bounds(self, batch_size: int) -> Bounds:
        """What holds for every batch of this size, which has a row once for each epoch that it reaches."""
        continued, after = _continued(self.features), self.features["segment_ids"][:, 1:]
        counts = predicted(self.features).sum(axis=1)
        times = 1 + -(-batch_size // max(len(self), 1))
        most = np.repeat(np.sort(counts)[::-1], times)[:batch_size].sum()
        return Bounds(int(most), bool((continued | (after == 0)).all()))

    def _rows(self, numbers: np.ndarray) -> Batch:
        return {name: value[numbers].astype(np.int32) for name, value in self.features.items()}


def predicted(batch: Batch) -> np.ndarray:
    """Which tokens count in the loss, by the token before them: bool, of the features' shape [..., L].

    As `trainer.loss.counted`, and False for the first token of each row.
    """
    counts = (batch["loss_mask"][..., 1:] > 0) & _continued(batch)
    return np.concatenate([np.zeros_like(counts[..., :1]), counts], axis=-1)


def _continued(batch: Batch) -> np.ndarray:
    """Whether a token goes on with the segment of the token before it: bool [..., L - 1]."""
    segments = batch["segment_ids"]
    return (segments[..., 1:] == segments[..., :-1]) & (segments[..., 1:] > 0)


@lru_cache(maxsize=2)  # a batch reaches from one epoch into the next
def _permutation(count: int, seed: int, epoch: int) -> np.ndarray:
    return np.random.Generator(np.random.PCG64([seed, epoch])).permutation(count)


def read_training_rows(
    patterns: Sequence[str], sequence_length: int, random_windows: bool = False
) -> TrainingRows:
    """As `read_rows`; InputError where there is no row to train on.

    random_windows: the rows of each file are a stream's, cut one behind the other (see
        `preprocessing.tokens.record_rows`): give windows at random places of the streams instead.
    """
    rows: TrainingRows | None
    if random_windows:
        streams = list(_read_streams(patterns, sequence_length))
        rows = RandomWindows(streams, sequence_length) if streams else None
    else:
        rows = read_rows(patterns, sequence_length)
    if not rows:
        raise InputError(
            f"{', '.join(patterns)}: no token row to train on; corpus.path must give at least one "
            "record in the split train that is not dropped (the drop report says why records are)"
        )
    return rows


def read_rows(patterns: Sequence[str], sequence_length: int) -> TokenRows:
    """All rows of the files whose names match the glob patterns, by file name and then in order.

    Files are TFRecords, gzip-compressed where the name ends in `.gz`. There may be none.
    Raises InputError where a file is damaged, or holds other rows than of sequence_length tokens.
    """
    parts: list[Batch] = [
        {name: np.zeros([0, sequence_length], dtype) for name, dtype in FEATURES.items()}
    ]
    for file in _files(patterns):
        parts.extend(_read_file(file, sequence_length))
    return TokenRows({name: np.concatenate([part[name] for part in parts]) for name in FEATURES})


def _files(patterns: Sequence[str]) -> list[Path]:
    # The folder is one of the workspace's: its name may look like a pattern, and is none.
    split = map(os.path.split, patterns)
    literal = [os.path.join(glob.escape(folder), name) for folder, name in split]
    return [Path(file) for file in sorted({f for pattern in literal for f in glob.glob(pattern)})]


def _read_streams(patterns: Sequence[str], sequence_length: int) -> Iterator[Stream]:
    """The stream of each file that has one, put together again from its overlapping rows."""
    for file in _files(patterns):
        ids: list[np.ndarray] = []
        loss: list[np.ndarray] = []
        for batch in _read_file(file, sequence_length):
            new = batch["segment_ids"] > 0
            new[:, 0] = False  # a row begins with the token that ends the one before
            if not ids:
                new[0, 0] = True
            ids.append(_compact(batch["input_ids"][new]))
            loss.append(batch["loss_mask"][new])
        if ids:
            yield Stream(np.concatenate(ids), np.concatenate(loss))


def _compact(ids: np.ndarray) -> np.ndarray:
    """Ids as uint16 if they all fit."""
    return ids.astype(np.uint16) if ids.max() <= np.iinfo(np.uint16).max else ids


def _read_file(path: Path, sequence_length: int, chunk: int = 1024) -> Iterator[Batch]:
    """The rows of one file, at most `chunk` at a time."""
    compression = "GZIP" if path.suffix == ".gz" else ""
    features = {name: tf.io.FixedLenFeature([sequence_length], tf.int64) for name in FEATURES}
    records = tf.data.TFRecordDataset(str(path), compression_type=compression).batch(chunk)
    try:
        for batch in records.map(lambda batch: tf.io.parse_example(batch, features)):
            yield {name: batch[name].numpy().astype(dtype) for name, dtype in FEATURES.items()}
    except (tf.errors.DataLossError, tf.errors.InvalidArgumentError) as error:
        raise InputError(
            f"{path}: not token rows of {sequence_length} tokens, or damaged "
            f"({str(error).splitlines()[0]}); make them again with --force Tokenizer"
        ) from error
