"""Optimizers: AdamW, Adafactor."""

from abc import abstractmethod
from collections.abc import Mapping

import tensorflow as tf

from trainer.options import TrainingOptions

_SMALLEST_SQUARE = 1e-30
_LARGEST_RMS = 1.0
_DECAY_POWER = 0.8


class Optimizer(tf.Module):
    """An optimizer: `begin` once a step, then `update` once for each variable, in any order.

    updates: steps begun, int64.
    """

    def __init__(self, options: TrainingOptions) -> None:
        super().__init__()
        self.options = options
        self.updates = tf.Variable(0, dtype=tf.int64, trainable=False)

    def begin(self) -> None:
        """A step begins."""
        self.updates.assign_add(1)

    def update(
        self, name: str, variable: tf.Variable, gradient: tf.Tensor, rate: tf.Tensor
    ) -> tf.Operation | None:
        """Update a variable in place; its gradient is float32, of its shape; rate: the learning rate.

        Returns the operation with which the update is done, in a graph.
        """
        if is_decayed(name) and self.options.weight_decay:
            # Not before its gradient is there: a graph would make decayed copies of all weights at its start.
            with tf.control_dependencies([gradient]):
                variable.assign(variable * (1 - rate * self.options.weight_decay))
        return self._step(name, variable, gradient, rate)

    @abstractmethod
    def _step(
        self, name: str, variable: tf.Variable, gradient: tf.Tensor, rate: tf.Tensor
    ) -> tf.Operation | None:
        """As `update`, once the weight has decayed."""


class AdamW(Optimizer):
    """Adam (Kingma & Ba 2014) with decoupled weight decay (Loshchilov & Hutter 2017).

    One fused kernel updates each variable; its epsilon is the paper's "epsilon hat", added before
    the bias of the second moment is corrected. The decay of a step is learning rate x weight decay
    x weight, for matrices and embeddings only (`is_decayed`).
    """

    def __init__(self, variables: Mapping[str, tf.Variable], options: TrainingOptions) -> None:
        super().__init__(options)
        self.means = {name: _zeros(v.shape) for name, v in variables.items()}
        self.squares = {name: _zeros(v.shape) for name, v in variables.items()}

    def _step(
        self, name: str, variable: tf.Variable, gradient: tf.Tensor, rate: tf.Tensor
    ) -> tf.Operation | None:
        options, number = self.options, tf.cast(self.updates, tf.float32)
        return tf.raw_ops.ResourceApplyAdam(
            var=variable.handle,
            m=self.means[name].handle,
            v=self.squares[name].handle,
            beta1_power=tf.pow(options.beta1, number),
            beta2_power=tf.pow(options.beta2, number),
            lr=rate,
            beta1=options.beta1,
            beta2=options.beta2,
            epsilon=options.epsilon,
            grad=gradient,
        )


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
            self.squares[name] = [_zeros(part) for part in shapes]

    def _step(
        self, name: str, variable: tf.Variable, gradient: tf.Tensor, rate: tf.Tensor
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
        return variable.assign_sub(rate * step, read_value=False)


def make_optimizer(variables: Mapping[str, tf.Variable], options: TrainingOptions) -> Optimizer:
    """The optimizer that the options name, with state for these variables alone."""
    kind = {"adamw": AdamW, "adafactor": Adafactor}[options.optimizer]
    return kind(variables, options)


def is_decayed(name: str) -> bool:
    """Whether weight decay applies: to matrices and embeddings, not to biases and norms."""
    return not name.endswith(("/b", "/g"))


def _zeros(shape: tf.TensorShape) -> tf.Variable:
    """A float32 variable of zeros, of the optimizer's state: not trainable, so no part of the best weights."""
    return tf.Variable(tf.zeros(shape), trainable=False)
