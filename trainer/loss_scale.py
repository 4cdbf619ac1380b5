"""Dynamic loss scaling, which float16 needs."""

import tensorflow as tf

_START = 2.0**15
_LARGEST = 2.0**24
_STEPS_TO_GROW = 2000


class LossScale(tf.Module):
    """The factor that keeps small gradients above float16's smallest numbers (Micikevicius et al. 2017).

    It is halved, down to 1, when gradients overflow, and doubled after 2,000 steps without.

    value: float32. steps: int64, without an overflow since it last changed.
    """

    def __init__(self) -> None:
        super().__init__(name="loss_scale")
        self.value = tf.Variable(_START, trainable=False, name="value")
        self.steps = tf.Variable(0, dtype=tf.int64, trainable=False, name="steps")

    def adapt(self, finite: tf.Tensor) -> None:
        """Take notice of a step; finite: bool, whether its gradients were."""
        steps = tf.where(finite, self.steps + 1, 0)
        grows = steps >= _STEPS_TO_GROW
        larger = tf.where(grows, tf.minimum(self.value * 2, _LARGEST), self.value)
        self.value.assign(tf.where(finite, larger, tf.maximum(self.value / 2, 1.0)))
        self.steps.assign(tf.where(grows, tf.zeros_like(steps), steps))
