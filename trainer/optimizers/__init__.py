"""Optimizers: AdamW, Adafactor."""

from collections.abc import Mapping

import tensorflow as tf

from trainer.optimizers.adafactor import Adafactor
from trainer.optimizers.adamw import AdamW
from trainer.optimizers.optimizer import Optimizer
from trainer.options import TrainingOptions

__all__ = ["Optimizer", "make_optimizer"]


def make_optimizer(variables: Mapping[str, tf.Variable], options: TrainingOptions) -> Optimizer:
    """The optimizer that the options name, with state for these variables alone."""
    kind = {"adamw": AdamW, "adafactor": Adafactor}[options.optimizer]
    return kind(variables, options)
