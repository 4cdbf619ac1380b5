"""Adafactor."""

from collections.abc import Mapping

import tensorflow as tf

from trainer.optimizers.optimizer import Optimizer, zeros
from trainer.options import TrainingOptions

_SMALLEST_SQUARE = 1e-30
_LARGEST_RMS = 1.0
_DECAY_POWER = 0.8


class Adafactor(Optimizer):
    """Adafactor (Shazeer & Stern 2018, https://arxiv.org/abs/1804.04235), Algorithms 4 and 5.

    The second moment of a matrix is kept as the means of its rows and of its columns, so that the
    state of a model takes less than a hundredth of its weights. The decay of the moments at update
    t is 1 - t^-0.8, an update's root mean square is clipped at 1, and there is no first moment. The
    learning rate is used as it is given: neither relative to the step nor to the weights. The
    weight decay is decoupled, as AdamW's.
    """

    def __init__(self, variables: Mapping[str, tf.Variable], options: TrainingOptions) -> None:
        super().__init__(options)
        self.squares: dict[str, list[tf.Variable]] = {}
        for name, variable in variables.items():
            shape = variable.shape
            shapes = [shape[:-1], shape[:-2] + shape[-1:]] if shape.rank > 1 else [shape]
            self.squares[name] = [zeros(part, name) for part in shapes]

    def update(
        self, name: str, variable: tf.Variable, gradient: tf.Tensor, learning_rate: tf.Tensor
    ) -> tf.Operation | None:
        kept = 1 - tf.pow(tf.cast(self.updates, tf.float32), -_DECAY_POWER)
        squared = tf.square(gradient) + _SMALLEST_SQUARE

        def moment(slot: tf.Variable, new: tf.Tensor) -> tf.Tensor:
            return slot.assign(kept * slot + (1 - kept) * new)

        if variable.shape.rank > 1:
            rows = moment(self.squares[name][0], tf.reduce_mean(squared, axis=-1))
            columns = moment(self.squares[name][1], tf.reduce_mean(squared, axis=-2))
            share = rows / tf.reduce_mean(rows, axis=-1, keepdims=True)
            step = gradient * tf.math.rsqrt(share)[..., tf.newaxis]
            step *= tf.math.rsqrt(columns)[..., tf.newaxis, :]
        else:
            step = gradient * tf.math.rsqrt(moment(self.squares[name][0], squared))
        root_mean_square = tf.sqrt(tf.reduce_mean(tf.square(step)))
        step /= tf.maximum(1.0, root_mean_square / _LARGEST_RMS)
        self._decay(name, variable, gradient, learning_rate)
        return variable.assign_sub(learning_rate * step, read_value=False)
