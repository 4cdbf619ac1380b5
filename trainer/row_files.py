"""Token rows, read from TFRecord files into memory."""

import glob
import os
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

import numpy as np

from preprocessing.base.errors import InputError
from preprocessing.tokens import rows as token_rows
from trainer.data import FEATURES, Batch, TokenRows, TrainingRows
from trainer.random_windows import RandomWindows, Stream


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


def _read_file(path: Path, sequence_length: int) -> Iterator[Batch]:
    """The rows of one file, at most 1,024 at a time."""
    rows = token_rows.read_rows([path])
    try:
        while part := list(islice(rows, 1024)):
            if (found := len(part[0].input_ids)) != sequence_length:
                raise ValueError(f"a row has {found}")
            yield {
                name: np.stack([getattr(row, name) for row in part]).astype(dtype)
                for name, dtype in FEATURES.items()
            }
    except (OSError, ValueError) as error:
        raise InputError(
            f"{path}: not token rows of {sequence_length} tokens, or damaged "
            f"({error}); make them again with --force Tokenizer"
        ) from error
