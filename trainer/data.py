"""Token rows for training and validation, in memory.

A row takes 11 bytes a token in memory (ids and positions int32, segments uint16, mask bool): a
million rows of 256 tokens take 2.8 GB.
"""

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import numpy as np

from trainer.bounds import Bounds
from trainer.random_windows import RandomWindows

# how each feature of a row is kept; segment ids and positions are below the sequence length
FEATURES: dict[str, type[np.generic]] = {
    "input_ids": np.int32,
    "loss_mask": np.bool_,
    "segment_ids": np.uint16,
    "positions": np.int32,
}
Batch = dict[str, np.ndarray]


class TokenRows:
    """Rows of tokens: the features [n, L] of `FEATURES`, and batches of them.

    features: an array for each name of `FEATURES`, all of one shape.
    """

    def __init__(self, features: Batch) -> None:
        self.features = {
            name: np.asarray(features[name], dtype) for name, dtype in FEATURES.items()
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
        segment_ids = self.features["segment_ids"]
        counts = in_loss(self.features["loss_mask"], segment_ids).sum(axis=1)
        times = 1 + -(-batch_size // max(len(self), 1))
        most = np.repeat(np.sort(counts)[::-1], times)[:batch_size].sum()
        return Bounds(int(most), bool((continued(segment_ids) | (segment_ids[:, 1:] == 0)).all()))

    def _rows(self, numbers: np.ndarray) -> Batch:
        return {name: value[numbers].astype(np.int32) for name, value in self.features.items()}


TrainingRows = TokenRows | RandomWindows  # what can be trained on


def continued(segment_ids: Any) -> Any:
    """Whether token i + 1 goes on with the segment of token i, not padding: bool [..., L - 1].

    segment_ids: int [..., L], an array or a tensor; so is the result.
    """
    following = segment_ids[..., 1:]
    return (following == segment_ids[..., :-1]) & (following > 0)


def in_loss(loss_mask: Any, segment_ids: Any) -> Any:
    """Whether token i + 1, as a prediction, counts in the loss: bool [..., L - 1].

    loss_mask, segment_ids: [..., L], both arrays or both tensors. Of six tokens in two records, the
    first out of the loss up to its third token:

        input_ids     a  b  c  d  e  .        (. is padding)
        loss_mask     0  0  1  0  1  0
        segment_ids   1  1  1  2  2  0
        in the loss   0  1  0  1  0           of b c d e .
    """
    return (loss_mask[..., 1:] > 0) & continued(segment_ids)


@lru_cache(maxsize=2)  # a batch reaches from one epoch into the next
def _permutation(count: int, seed: int, epoch: int) -> np.ndarray:
    return np.random.Generator(np.random.PCG64([seed, epoch])).permutation(count)
