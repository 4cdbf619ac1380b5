"""How long a training is, and the learning rate of each of its steps."""

import math
from typing import NamedTuple

from trainer.options import TrainingOptions

DEFAULT_STEPS = 200


class TrainingLength(NamedTuple):
    """Optimizer steps of a training, and of an epoch of it."""

    steps: int
    steps_per_epoch: int


def training_length(options: TrainingOptions, rows: int) -> TrainingLength:
    """How long the options make a training over so many rows (at least one).

    An epoch of no given length is one pass over the rows; its last step may reach into the next
    pass. Neither `steps` nor `epochs` is `DEFAULT_STEPS`.
    """
    rows_per_step = options.batch_size * options.accumulate
    steps_per_epoch = options.steps_per_epoch or math.ceil(rows / rows_per_step)
    if options.epochs is not None:
        return TrainingLength(options.epochs * steps_per_epoch, steps_per_epoch)
    return TrainingLength(options.steps or DEFAULT_STEPS, steps_per_epoch)


def learning_rate(step: int, options: TrainingOptions, length: TrainingLength) -> float:
    """The learning rate of a step, counted from 0: a function of its arguments and nothing else.

    It rises linearly to `options.learning_rate` over the warm-up (the first step has 1 /
    warmup_steps of it). Then it stays (`constant`); or is the peak times decay_rate to the number
    of times that decay_epochs epochs have passed since the first step (`step`); or falls along half
    a cosine that reaches min_learning_rate at the step after the last (`cosine`, Loshchilov &
    Hutter 2016).
    """
    peak, warmup = options.learning_rate, options.warmup_steps
    if step < warmup:
        return peak * (step + 1) / warmup
    if options.schedule == "constant":
        return peak
    if options.schedule == "step":
        decays = math.floor(step / (options.decay_epochs * length.steps_per_epoch))
        return peak * options.decay_rate**decays
    fallen = (step - warmup) / (length.steps - warmup)
    lowest = options.min_learning_rate
    return lowest + (peak - lowest) * 0.5 * (1 + math.cos(math.pi * fallen))
