"""Clipping by the global norm (Pascanu et al. 2013)."""

from collections.abc import Mapping

import tensorflow as tf

Gradients = Mapping[str, tf.Tensor]


def clip_by_global_norm(
    gradients: Gradients, limit: float | None
) -> tuple[dict[str, tf.Tensor], tf.Tensor]:
    """Gradients scaled together to a global norm of at most the limit, and their norm before it.

    A limit of None leaves them as they are. The norm is a float32 scalar.
    """
    # tf.nn.l2_loss is half the sum of squares in one kernel that writes no squares
    norm = tf.sqrt(2 * tf.add_n([tf.nn.l2_loss(gradient) for gradient in gradients.values()]))
    if limit is None:
        return dict(gradients), norm
    scale = limit / tf.maximum(norm, limit)
    return {name: gradient * scale for name, gradient in gradients.items()}, norm
