"""The learning rate of each step."""

import math

from trainer.options import TrainingOptions


def learning_rate(step: int, options: TrainingOptions) -> float:
    """The learning rate of a step, counted from 0: a function of the step and nothing else.

    It rises linearly to `options.learning_rate` over the warm-up (the first step has 1 /
    warmup_steps of it), then stays (`constant`) or falls along half a cosine that would reach zero
    at the step after the last (`cosine`, Loshchilov & Hutter 2016).
    """
    peak = options.learning_rate
    if step < options.warmup_steps:
        return peak * (step + 1) / options.warmup_steps
    if options.schedule == "constant":
        return peak
    falling = options.steps - options.warmup_steps
    return peak * 0.5 * (1 + math.cos(math.pi * (step - options.warmup_steps) / falling))
