"""What every optimizer is: a count of updates, state for each variable, and an update of one."""

from abc import abstractmethod

import tensorflow as tf

from trainer.options import TrainingOptions


class Optimizer(tf.Module):
    """An optimizer: `begin` once a step, then `update` once for each variable, in any order.

    updates: steps begun, int64.
    """

    def __init__(self, options: TrainingOptions) -> None:
        super().__init__()
        self.options = options
        self.updates = tf.Variable(0, dtype=tf.int64, trainable=False, name="updates")

    def begin(self) -> None:
        """A step begins."""
        self.updates.assign_add(1)

    @abstractmethod
    def update(
        self, name: str, variable: tf.Variable, gradient: tf.Tensor, learning_rate: tf.Tensor
    ) -> tf.Operation | None:
        """Update a variable in place; its gradient is float32, of its shape.

        Returns the operation with which the update is done, in a graph.
        """

    def _decay(
        self, name: str, variable: tf.Variable, gradient: tf.Tensor, learning_rate: tf.Tensor
    ) -> None:
        """Decoupled weight decay: takes learning rate x weight decay x weight from the weight."""
        if is_decayed(name) and self.options.weight_decay:
            # Not before its gradient is there: a graph would make decayed copies of all weights at its start.
            with tf.control_dependencies([gradient]):
                variable.assign(variable * (1 - learning_rate * self.options.weight_decay))


def is_decayed(name: str) -> bool:
    """Whether weight decay applies: to matrices and embeddings, not to biases and norms."""
    return not name.endswith(("/b", "/g"))


def zeros(shape: tf.TensorShape, name: str) -> tf.Variable:
    """A float32 variable of zeros, of the optimizer's state for the variable of this name."""
    return tf.Variable(tf.zeros(shape), trainable=False, name=f"{name}/slot")
