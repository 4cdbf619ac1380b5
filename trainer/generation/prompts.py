"""Prompts of unequal length, side by side in padded shapes of a few lengths.

A length bucket is a property of a prompt alone. Prompts are computed with prompts of their own
bucket only, so the shapes that a prompt meets, and with them the order in which its numbers are
added up, do not depend on what else is in the batch.
"""

from typing import NamedTuple

import tensorflow as tf

SHORT_BUCKETS = (16, 32, 64, 128)
BUCKET_STEP = 128  # of the longer ones


class Prompts(NamedTuple):
    """n prompts with padding to their left, so that all end at the last of P slots.

    ids: int32 [n, P], 0 at the padding.
    lengths: int32 [n], tokens of each.
    """

    ids: tf.Tensor
    lengths: tf.Tensor


def cut_left(prompts: tf.RaggedTensor, room: tf.Tensor | int, end_of_text: int) -> tf.RaggedTensor:
    """The last `room` tokens of each prompt, and the end of text where there is none."""
    empty = tf.cast(prompts.row_lengths() == 0, tf.int64)
    start = tf.RaggedTensor.from_row_lengths(
        tf.fill([tf.reduce_sum(empty)], tf.cast(end_of_text, prompts.dtype)), empty
    )
    return tf.concat([start, prompts[:, -room:]], axis=1)


def buckets(lengths: tf.Tensor, room: tf.Tensor | int) -> tf.Tensor:
    """The padded length of prompts of lengths int32 [n], each at most `room`: int32 [n]."""
    long = tf.cast(tf.math.ceil(lengths / BUCKET_STEP), tf.int32) * BUCKET_STEP
    short = tf.gather(
        tf.constant([*SHORT_BUCKETS, 0]),
        tf.searchsorted(tf.constant(SHORT_BUCKETS), lengths, side="left"),
    )
    return tf.minimum(tf.where(lengths <= SHORT_BUCKETS[-1], short, long), room)


def pad_left(prompts: tf.RaggedTensor, slots: tf.Tensor | int) -> Prompts:
    """Prompts of at most `slots` tokens, ending at the last of so many slots."""
    lengths = tf.cast(prompts.row_lengths(), tf.int32)
    width = tf.convert_to_tensor(slots, tf.int32)
    to_the_right = tf.cast(prompts.to_tensor(), tf.int32)  # [n, P]
    source = tf.range(width) - (width - lengths[:, tf.newaxis])  # negative at the padding
    ids = tf.gather(to_the_right, tf.maximum(source, 0), batch_dims=1)
    return Prompts(tf.where(source >= 0, ids, 0), lengths)
