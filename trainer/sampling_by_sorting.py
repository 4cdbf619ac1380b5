"""Drawing tokens by sorting, all rows together: for a GPU, which sorts fast and loops slowly."""

import tensorflow as tf


def sample_by_sorting(
    logits: tf.Tensor,
    uniform: tf.Tensor,
    temperature: tf.Tensor,
    top_k: tf.Tensor,
    top_p: tf.Tensor,
) -> tf.Tensor:
    """As `trainer.sampling.sample` for a temperature above 0, but for the rounding of its sums.

    logits: float32 [B, V]; all others [B]. Returns int32 [B].
    """
    largest = tf.reduce_max(logits, axis=1, keepdims=True)
    weights = tf.exp((logits - largest) / temperature[:, tf.newaxis])
    size = tf.shape(weights)[1]
    # of equals the first come first
    descending, order = tf.math.top_k(weights, size)
    most = tf.where(tf.equal(top_k, 0), size, top_k)[:, tf.newaxis]
    descending = tf.where(tf.range(size) < most, descending, 0.0)
    before = tf.cumsum(descending, axis=1, exclusive=True)
    reached = before >= top_p[:, tf.newaxis] * tf.reduce_sum(descending, axis=1, keepdims=True)
    # rounding takes the sum to 1 before the last token: p = 1 is decided by itself
    descending = tf.where(reached & (top_p < 1.0)[:, tf.newaxis], 0.0, descending)

    # in the order of the ids again, as a draw has them
    back = tf.argsort(order, axis=1)
    sums = tf.cumsum(tf.gather(descending, back, batch_dims=1), axis=1)
    target = uniform[:, tf.newaxis] * sums[:, -1:]
    found = tf.reduce_sum(tf.cast(sums <= target, tf.int32), axis=1)
    last = tf.reduce_sum(tf.cast(sums < sums[:, -1:], tf.int32), axis=1)
    return tf.minimum(found, last)
