"""AdamW, and clipping by the global norm."""

from collections.abc import Mapping, Sequence

import tensorflow as tf

from trainer.options import TrainingOptions


def clip_by_global_norm(
    gradients: Sequence[tf.Tensor], limit: float | None
) -> tuple[list[tf.Tensor], tf.Tensor]:
    """Gradients scaled together to a global norm of at most the limit, and their norm before it.

    A limit of None leaves them as they are. The norm is a float32 scalar.
    """
    norm = tf.linalg.global_norm(gradients)
    if limit is None:
        return list(gradients), norm
    scale = limit / tf.maximum(norm, limit)
    return [gradient * scale for gradient in gradients], norm


def is_decayed(name: str) -> bool:
    """Whether weight decay applies: to matrices and embeddings, not to biases and norms."""
    return not name.endswith(("/b", "/g"))


class AdamW(tf.Module):
    """Adam (Kingma & Ba 2014) with decoupled weight decay (Loshchilov & Hutter 2017).

    One fused kernel updates each variable; its epsilon is the paper's "epsilon hat", added before
    the bias of the second moment is corrected. The decay of a step is learning rate x weight decay
    x weight, for matrices and embeddings only (`is_decayed`).
    """

    def __init__(self, variables: Mapping[str, tf.Variable], options: TrainingOptions) -> None:
        super().__init__(name="adamw")
        self.options = options
        self.updates = tf.Variable(0, dtype=tf.int64, trainable=False, name="updates")
        self.means = zeros_like(variables)
        self.squares = zeros_like(variables)

    def apply(
        self,
        variables: Mapping[str, tf.Variable],
        gradients: Mapping[str, tf.Tensor],
        learning_rate: tf.Tensor,
    ) -> None:
        """Update the variables in place; gradients are float32, of the same names and shapes."""
        options = self.options
        number = tf.cast(self.updates.assign_add(1), tf.float32)
        beta1_power = tf.pow(options.beta1, number)
        beta2_power = tf.pow(options.beta2, number)
        for name, variable in variables.items():
            if is_decayed(name):
                variable.assign_sub(learning_rate * options.weight_decay * variable)
            tf.raw_ops.ResourceApplyAdam(
                var=variable.handle,
                m=self.means[name].handle,
                v=self.squares[name].handle,
                beta1_power=beta1_power,
                beta2_power=beta2_power,
                lr=learning_rate,
                beta1=options.beta1,
                beta2=options.beta2,
                epsilon=options.epsilon,
                grad=gradients[name],
            )


def zeros_like(variables: Mapping[str, tf.Variable]) -> dict[str, tf.Variable]:
    """A variable of zeros for each variable."""
    return {
        name: tf.Variable(tf.zeros_like(variable), trainable=False, name=f"{name}/slot")
        for name, variable in variables.items()
    }
