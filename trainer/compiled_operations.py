"""Operations of training as programs of their own, with their gradients.

TensorFlow computes GELU and cross-entropy step by step, each of which reads and writes memory. XLA
makes one pass of each and of its gradient, in float32 between what it reads and what it writes. A
gradient is computed from what went in, so that nothing else is kept for it.
"""

import math
from collections.abc import Callable

import tensorflow as tf

from trainer import operations
from trainer.operations import Operations

_SLOPE, _CUBE = math.sqrt(2 / math.pi), 0.044715

_compiled_gelu = tf.function(operations.gelu, jit_compile=True, autograph=False)

_Gradient = Callable[[tf.Tensor], tf.Tensor]


@tf.custom_gradient
def gelu(x: tf.Tensor) -> tuple[tf.Tensor, _Gradient]:
    """As `trainer.operations.gelu`."""
    return _compiled_gelu(x), lambda upstream: _gelu_gradient(x, upstream)


def cross_entropy(logits: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
    """As `trainer.operations.cross_entropy`."""

    @tf.custom_gradient
    def of(logits: tf.Tensor) -> tuple[tf.Tensor, _Gradient]:
        losses, normaliser = _cross_entropy(logits, labels)
        return losses, lambda upstream: _cross_entropy_gradient(
            logits, labels, normaliser, upstream
        )

    return of(logits)


@tf.function(jit_compile=True, autograph=False)
def _gelu_gradient(x: tf.Tensor, upstream: tf.Tensor) -> tf.Tensor:
    wide = tf.cast(x, tf.float32)
    tanh = tf.tanh(_SLOPE * wide * (1 + _CUBE * wide * wide))
    of_inner = _SLOPE * (1 + 3 * _CUBE * wide * wide)
    slope = 0.5 * (1 + tanh) * (1 + wide * (1 - tanh) * of_inner)
    return tf.cast(tf.cast(upstream, tf.float32) * slope, x.dtype)


@tf.function(jit_compile=True, autograph=False)
def _cross_entropy(logits: tf.Tensor, labels: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """The losses [N], and the logarithm [N] of the sum of a row's exponentials."""
    wide = tf.cast(logits, tf.float32)
    largest = tf.reduce_max(wide, axis=-1)
    exponentials = tf.exp(wide - largest[:, tf.newaxis])
    normaliser = largest + tf.math.log(tf.reduce_sum(exponentials, axis=-1))
    of_labels = tf.cast(tf.gather(logits, labels, batch_dims=1), tf.float32)
    return normaliser - of_labels, normaliser


@tf.function(jit_compile=True, autograph=False)
def _cross_entropy_gradient(
    logits: tf.Tensor, labels: tf.Tensor, normaliser: tf.Tensor, upstream: tf.Tensor
) -> tf.Tensor:
    probabilities = tf.exp(tf.cast(logits, tf.float32) - normaliser[:, tf.newaxis])
    is_label = tf.range(tf.shape(logits)[1]) == tf.cast(labels, tf.int32)[:, tf.newaxis]
    gradient = (probabilities - tf.cast(is_label, tf.float32)) * upstream[:, tf.newaxis]
    return tf.cast(gradient, logits.dtype)


COMPILED = Operations(gelu=gelu, cross_entropy=cross_entropy)
