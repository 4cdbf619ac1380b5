"""Drawing a token from logits: temperature, top-k, top-p, and one uniform number a draw.

The filters read logits in descending order (`sample` sorts once), so that a filter is a prefix:
what it drops becomes minus infinity. The first of a row is always kept.
"""

import tensorflow as tf


def apply_temperature(logits: tf.Tensor, temperature: tf.Tensor | float) -> tf.Tensor:
    """Logits [B, V] divided by a temperature above 0: below 1 sharpens, above 1 flattens."""
    return logits / temperature


def keep_top_k(descending: tf.Tensor, k: tf.Tensor | int) -> tf.Tensor:
    """The k most probable tokens of each row; 0 keeps all (Fan et al. 2018).

    descending: float [B, V], each row sorted from the largest.
    """
    ranks = tf.range(tf.shape(descending)[-1])
    return tf.where((ranks < k) | tf.equal(k, 0), descending, -float("inf"))


def keep_top_p(descending: tf.Tensor, p: tf.Tensor | float) -> tf.Tensor:
    """The fewest most probable tokens that reach probability p (Holtzman et al. 2019).

    The token that crosses p stays; 1 keeps all.

    descending: float [B, V], each row sorted from the largest.
    """
    probabilities = tf.nn.softmax(descending)
    before = tf.cumsum(probabilities, axis=-1, exclusive=True)
    first = tf.range(tf.shape(descending)[-1]) == 0
    # rounding takes the sum to 1 before the last token: p = 1 is decided by itself
    kept = (before < p) | first | tf.greater_equal(p, 1.0)
    return tf.where(kept, descending, -float("inf"))


def draw(logits: tf.Tensor, uniform: tf.Tensor) -> tf.Tensor:
    """The index that a uniform number falls on: inverse of the cumulative distribution.

    logits: float [B, V] in any order; minus infinity is never drawn.
    uniform: float32 [B] in [0, 1).
    Returns int32 [B].
    """
    cumulative = tf.cumsum(tf.nn.softmax(logits), axis=-1)  # [B, V]
    total = cumulative[:, -1:]
    target = uniform[:, tf.newaxis] * total
    index = tf.reduce_sum(tf.cast(cumulative <= target, tf.int32), axis=-1)
    # the product can round up to the total itself: then it is the last index of any probability
    last = tf.reduce_sum(tf.cast(cumulative < total, tf.int32), axis=-1)
    return tf.minimum(index, last)


def greedy(logits: tf.Tensor) -> tf.Tensor:
    """The most probable index of each row [B, V], the first of equals: int32 [B]."""
    return tf.argmax(logits, axis=-1, output_type=tf.int32)


def sample(
    logits: tf.Tensor,
    uniform: tf.Tensor,
    temperature: tf.Tensor | float,
    top_k: tf.Tensor | int,
    top_p: tf.Tensor | float,
) -> tf.Tensor:
    """A token a row: temperature, then top-k, then top-p, then the draw; temperature 0 is greedy.

    logits: float32 [B, V]; uniform: float32 [B] in [0, 1). Returns int32 [B].
    """

    def drawn() -> tf.Tensor:
        # equal logits keep the order of their ids
        descending, ids = tf.math.top_k(logits, k=tf.shape(logits)[-1])
        descending = apply_temperature(descending, temperature)
        descending = keep_top_p(keep_top_k(descending, top_k), top_p)
        return tf.gather(ids, draw(descending, uniform), batch_dims=1)

    return tf.cond(tf.greater(temperature, 0.0), drawn, lambda: greedy(logits))


def uniforms(seeds: tf.Tensor, count: tf.Tensor | int) -> tf.Tensor:
    """Uniform numbers in [0, 1) for each row: float32 [B, count].

    A row's numbers depend on its own seed alone, not on its neighbours, and the first ones not on
    how many are asked for.

    seeds: int64 [B, 2].
    """

    def of_row(seed: tf.Tensor) -> tf.Tensor:
        return tf.random.stateless_uniform([count], seed, alg="philox")

    return tf.map_fn(of_row, seeds, fn_output_signature=tf.TensorSpec([None], tf.float32))
