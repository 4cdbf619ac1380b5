"""How a pass computes the operations that can be computed in more than one way.

A model is the same whichever are taken, but for rounding. `PLAIN` are TensorFlow's own; training
on a processor takes those of `trainer.compiled_operations`, and a served model another product.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf

# dropout(x, place): x with activations dropped; every place of the model draws its own
Dropout = Callable[[tf.Tensor, tf.Tensor | int], tf.Tensor]


def keep_all(x: tf.Tensor, place: tf.Tensor | int) -> tf.Tensor:
    """No dropout: x as it is."""
    del place
    return x


def dropping(rate: float, seed: tf.Tensor) -> Dropout:
    """Dropout of a rate (0 is none) whose choice depends on the int [2] seed and the place alone."""
    if not rate:
        return keep_all

    def drop(x: tf.Tensor, place: tf.Tensor | int) -> tf.Tensor:
        place_seed = tf.random.fold_in(seed, place, alg="philox")
        return tf.nn.experimental.stateless_dropout(x, rate, place_seed, rng_alg="philox")

    return drop


def product(rows: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
    """Rows [R, in] times a dense kernel, [1, in, out] or [out, in]: [R, out]."""
    if kernel.shape.rank == 3:
        return tf.matmul(rows, tf.reshape(kernel, kernel.shape[1:]))
    return tf.matmul(rows, kernel, transpose_b=True)


def gelu(x: tf.Tensor) -> tf.Tensor:
    """The GELU in its tanh form (Hendrycks & Gimpel 2016), in float32 between what is read and given.

    (1 + tanh u) / 2 is the logistic function of 2 u, which keeps its digits where tanh is close to -1.
    """
    wide = tf.cast(x, tf.float32)
    inner = math.sqrt(2 / math.pi) * wide * (1 + 0.044715 * wide * wide)
    return tf.cast(wide * tf.sigmoid(2 * inner), x.dtype)


def softmax(x: tf.Tensor) -> tf.Tensor:
    """The softmax over the last axis, in float32 between what is read and what is given."""
    return tf.cast(tf.nn.softmax(tf.cast(x, tf.float32)), x.dtype)


def attend(
    query: tf.Tensor, key: tf.Tensor, value: tf.Tensor, mask: tf.Tensor, drop: Dropout
) -> tf.Tensor:
    """Scaled dot-product attention: values [B, H, S, D] mixed for each query [B, H, L, D].

    key: [B, H, S, D]; mask: bool [B, 1, L, S], who sees whom; drop: of probabilities, at place 0.
    """
    # so low that its exp is exactly 0 beside any other
    unseen = tf.where(mask, tf.zeros([], query.dtype), query.dtype.min)
    # TensorFlow makes one kernel of the product, the scale and the sum
    scores = tf.matmul(query, key, transpose_b=True) / math.sqrt(query.shape[-1]) + unseen
    probabilities = drop(softmax(scores), 0)  # [B, H, L, S]
    return tf.matmul(probabilities, value)


def write_slots(old: tf.Tensor, new: tf.Tensor, slots: tf.Tensor) -> tf.Tensor:
    """The cache [B, H, S, D] with new [B, H, 1, D] written at a slot of each row, int32 [B].

    In place: the memory of the old one holds the new one.
    """
    batch, heads, size, head_width = (
        tf.shape(old)[axis] if size is None else size for axis, size in enumerate(old.shape)
    )
    rows = tf.range(batch * heads) * size + tf.repeat(slots, heads)
    # as integers, as the operation has no kernel for bfloat16 on a GPU
    bits = {2: tf.int16, 4: tf.int32}[old.dtype.size]
    written = tf.raw_ops.InplaceUpdate(
        x=tf.reshape(tf.bitcast(old, bits), [-1, head_width]),
        i=rows,
        v=tf.reshape(tf.bitcast(new, bits), [-1, head_width]),
    )
    return tf.bitcast(tf.reshape(written, [batch, heads, size, head_width]), old.dtype)


def cross_entropy(logits: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
    """The losses (nats), float32 [...], of logits [..., V] of any float dtype under labels int [...]."""
    wide = tf.cast(logits, tf.float32)
    return tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=wide)


class Operations(NamedTuple):
    """One function for each operation, as those of these names here."""

    drop: Dropout = keep_all
    multiply: Callable[[tf.Tensor, tf.Tensor], tf.Tensor] = product
    gelu: Callable[[tf.Tensor], tf.Tensor] = gelu
    attend: Callable[..., tf.Tensor] = attend
    write_slots: Callable[[tf.Tensor, tf.Tensor, tf.Tensor], tf.Tensor] = write_slots
    cross_entropy: Callable[[tf.Tensor, tf.Tensor], tf.Tensor] = cross_entropy

    def at(self, place: tf.Tensor | int) -> "Operations":
        """The same for a part of the model, whose places of dropout are counted from this one on."""
        if self.drop is keep_all:
            return self
        return self._replace(drop=lambda x, further: self.drop(x, place + further))


PLAIN = Operations()
