"""Prompts of unequal length, side by side, each with a padded length of its own.

A length bucket is a property of a prompt alone. Prompts are prefilled in it by themselves, so the
shapes that a prompt meets, and with them the order in which its numbers are added up, do not depend
on what else is in the batch; and there are few of them.
"""

from typing import NamedTuple

import tensorflow as tf

SHORT_BUCKETS = (16, 32, 64, 128)
BUCKET_STEP = 128  # of the longer ones


class Prompts(NamedTuple):
    """n prompts, each from the first of P slots on.

    ids: int32 [n, P], 0 at the padding.
    lengths: int32 [n], tokens of each. widths: int32 [n], at most P: its length bucket.
    """

    ids: tf.Tensor
    lengths: tf.Tensor
    widths: tf.Tensor


def side_by_side(prompts: tf.RaggedTensor, room: tf.Tensor | int) -> Prompts:
    """Prompts of at most `room` tokens each."""
    lengths = tf.cast(prompts.row_lengths(), tf.int32)
    widths = buckets(lengths, room)
    ids = tf.cast(prompts.to_tensor(), tf.int32)
    padding = tf.maximum(tf.reduce_max(widths) - tf.shape(ids)[1], 0)
    return Prompts(tf.pad(ids, [[0, 0], [0, padding]]), lengths, widths)


def cut_left(prompts: tf.RaggedTensor, room: tf.Tensor | int, end_of_text: int) -> tf.RaggedTensor:
    """The last `room` tokens of each prompt, and the end of text where there is none."""
    empty = tf.cast(prompts.row_lengths() == 0, tf.int64)
    start = tf.RaggedTensor.from_row_lengths(
        tf.fill([tf.reduce_sum(empty)], tf.cast(end_of_text, prompts.dtype)), empty
    )
    return tf.concat([start, prompts[:, -room:]], axis=1)


def in_common(prompts: Prompts) -> tf.Tensor:
    """How many tokens a prompt begins with in common with the one before it, less than its own: int32 [n]."""
    ids, lengths, _ = prompts
    same = tf.math.cumprod(tf.cast(ids[1:] == ids[:-1], tf.int32), axis=1)
    shorter = tf.minimum(lengths[:-1], lengths[1:] - 1)
    later = tf.minimum(tf.reduce_sum(same, axis=1), shorter)
    return tf.pad(later, [[1, 0]])[: tf.size(lengths)]


def buckets(lengths: tf.Tensor, room: tf.Tensor | int) -> tf.Tensor:
    """The padded length of prompts of lengths int32 [n], each at most `room` (of each or of all): int32 [n]."""
    long = tf.cast(tf.math.ceil(lengths / BUCKET_STEP), tf.int32) * BUCKET_STEP
    short = tf.gather(
        tf.constant([*SHORT_BUCKETS, 0]),
        tf.searchsorted(tf.constant(SHORT_BUCKETS), lengths, side="left"),
    )
    return tf.minimum(tf.where(lengths <= SHORT_BUCKETS[-1], short, long), room)
