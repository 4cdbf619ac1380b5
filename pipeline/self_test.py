"""A short training and a generation, to see that a machine computes."""

import time
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from trainer.bounds import Bounds
from trainer.config import GPT2Config
from trainer.data import FEATURES
from trainer.device import Device
from trainer.gpt2 import GPT2
from trainer.options import TrainingOptions
from trainer.train_step import TrainStep

_CONFIG = GPT2Config(vocabulary_size=128, context=64, width=64, heads=1, layers=2)
_STEPS, _ROWS = 20, 4


class SelfTest(NamedTuple):
    """first_loss, last_loss: nats a token, of learning one row by heart; seconds: compilation included."""

    first_loss: float
    last_loss: float
    seconds: float

    @property
    def passed(self) -> bool:
        """Whether the loss was that of guessing, and fell by half."""
        guessing = float(np.log(_CONFIG.vocabulary_size))
        return abs(self.first_loss - guessing) < 0.5 and self.last_loss < self.first_loss / 2


def self_test(device: Device) -> SelfTest:
    """Train a tiny model on a device for a few steps."""
    began = time.monotonic()
    shape = [_ROWS, _CONFIG.context]
    places = np.broadcast_to(np.arange(_CONFIG.context), shape)
    ones = np.ones(shape)
    features = {
        "input_ids": places * 7 % _CONFIG.vocabulary_size,
        "loss_mask": ones,
        "segment_ids": ones,
        "positions": places,
    }
    batch = {name: tf.constant(features[name], tf.int32) for name in FEATURES}
    options = TrainingOptions(learning_rate=0.01, weight_decay=0.0)
    model = GPT2(_CONFIG, seed=1, precision=device.precision)
    step = TrainStep(model, options, 1, device, Bounds(one_segment=True))
    losses = [
        float(step(batch, tf.constant(options.learning_rate), tf.constant(n, tf.int64)).loss)
        for n in range(_STEPS)
    ]
    return SelfTest(losses[0], losses[-1], time.monotonic() - began)
