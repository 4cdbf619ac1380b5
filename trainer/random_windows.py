"""Training on windows drawn from streams of tokens, instead of on rows that are cut once for all."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from trainer.bounds import Bounds


class Stream(NamedTuple):
    """Tokens one behind the other. ids: uint16 or int32 [n]. loss: bool [n], the first False."""

    ids: np.ndarray
    loss: np.ndarray


class RandomWindows:
    """Windows of `sequence_length` tokens at random places of streams, none over the end of one.

    A stream shorter than a window is one window, with padding. In memory a token takes 3 bytes, or
    5 where an id needs more than 16 bits.
    """

    def __init__(self, streams: Sequence[Stream], sequence_length: int) -> None:
        """streams: at least one; none is empty."""
        self.sequence_length = sequence_length
        self._ids = np.concatenate([stream.ids for stream in streams])
        self._loss = np.concatenate([stream.loss for stream in streams])
        sizes = np.array([len(stream.ids) for stream in streams])
        self._ends = np.cumsum(sizes)
        self._starts = self._ends - sizes
        # how many windows there are up to and with each stream
        self._windows = np.cumsum(np.maximum(1, sizes - sequence_length + 1))

    def __len__(self) -> int:
        """As many windows as it takes to hold every token once: what is called an epoch."""
        return -(-len(self._ids) // self.sequence_length)

    def training_batch(self, step: int, batch_size: int, seed: int) -> dict[str, np.ndarray]:
        """The batch of a step, int32 [batch_size, L] each: a function of step and seed alone."""
        draws = np.random.Generator(np.random.PCG64([seed, step]))
        # windows are counted through stream after stream
        numbers = draws.integers(0, self._windows[-1], batch_size)
        streams = np.searchsorted(self._windows, numbers, side="right")
        earlier = np.concatenate([[0], self._windows])[streams]
        starts = self._starts[streams] + numbers - earlier
        positions = np.arange(self.sequence_length)
        places = starts[:, np.newaxis] + positions
        inside = places < self._ends[streams][:, np.newaxis]
        places = np.where(inside, places, 0)  # which is out of the loss, as padding is
        batch = {
            "input_ids": self._ids[places] * inside,
            "loss_mask": self._loss[places] & (positions > 0),
            "segment_ids": inside,
            "positions": positions * inside,
        }
        return {name: value.astype(np.int32) for name, value in batch.items()}

    def bounds(self, batch_size: int) -> Bounds:
        """What holds for every batch of so many windows."""
        before = np.concatenate([[0], np.cumsum(self._loss)])
        ends = np.minimum(np.arange(len(self._ids)) + self.sequence_length, len(self._ids))
        return Bounds(batch_size * int((before[ends] - before[:-1]).max()), one_segment=True)
