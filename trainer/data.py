"""Token rows for training and validation, in memory.

A row takes 11 bytes a token in memory (ids and positions int32, segments uint16, mask bool): a
million rows of 256 tokens take 2.8 GB.
"""

from collections.abc import Iterator
from functools import lru_cache
from typing import Protocol

import numpy as np

from trainer.bounds import Bounds

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
