"""AdamW."""

from collections.abc import Mapping

import tensorflow as tf

from trainer.optimizers.optimizer import Optimizer, zeros
from trainer.options import TrainingOptions


class AdamW(Optimizer):
    """Adam (Kingma & Ba 2014) with decoupled weight decay (Loshchilov & Hutter 2017).

    One fused kernel updates each variable; its epsilon is the paper's "epsilon hat", added before
    the bias of the second moment is corrected. The decay of a step is learning rate x weight decay
    x weight, for matrices and embeddings only (`is_decayed`).
    """

    def __init__(self, variables: Mapping[str, tf.Variable], options: TrainingOptions) -> None:
        super().__init__(options)
        self.means = {name: zeros(v.shape, name) for name, v in variables.items()}
        self.squares = {name: zeros(v.shape, name) for name, v in variables.items()}

    def update(
        self, name: str, variable: tf.Variable, gradient: tf.Tensor, learning_rate: tf.Tensor
    ) -> tf.Operation | None:
        options = self.options
        number = tf.cast(self.updates, tf.float32)
        self._decay(name, variable, gradient, learning_rate)
        return tf.raw_ops.ResourceApplyAdam(
            var=variable.handle,
            m=self.means[name].handle,
            v=self.squares[name].handle,
            beta1_power=tf.pow(options.beta1, number),
            beta2_power=tf.pow(options.beta2, number),
            lr=learning_rate,
            beta1=options.beta1,
            beta2=options.beta2,
            epsilon=options.epsilon,
            grad=gradient,
        )
