"""Drawing a token for every row at once, for a GPU: the tokens that `trainer.sampling` draws.

There a row's numbers are halved 30 and 17 times, one row after the other. Here all rows go together, and
each pass looks at seven places in place of one: a third as many passes, each of which is one kernel.
"""

from collections.abc import Callable

import tensorflow as tf

_BITS = 3  # of the answer that a pass settles
# the bits of a weight in [0, 1] below its sign, all that are ever set
_WEIGHT_BITS, _ONE = 30, 0x3F800000


def sample_rows(
    logits: tf.Tensor,
    uniform: tf.Tensor,
    temperature: tf.Tensor,
    top_k: tf.Tensor | None,
    top_p: tf.Tensor,
) -> tf.Tensor:
    """A token a row, int32 [R]; arguments as of `trainer.sampling.sample`, at a temperature above 0.

    top_k: at least 1; None is off.
    """
    largest = tf.reduce_max(logits, axis=1, keepdims=True)
    weights = tf.exp((logits - largest) / temperature)
    if top_k is not None:
        target = tf.fill([tf.shape(logits)[0]], tf.cast(top_k, tf.float32))
        kept = _fewest_that_reach(target, tf.ones_like(weights), weights)
        weights = tf.where(kept, weights, 0.0)
    fewest = _fewest_that_reach(top_p * tf.reduce_sum(weights, axis=1), weights, weights)
    # rounding takes the sum to 1 before the last token: p = 1 is decided by itself
    weights = tf.where(fewest | (top_p >= 1.0), weights, 0.0)
    return _draw(weights, uniform)


def _draw(weights: tf.Tensor, uniform: tf.Tensor) -> tf.Tensor:
    """The index int32 [R] that each uniform number falls on, by weights float32 [R, N]."""
    index = tf.range(weights.shape[1])
    target = uniform * tf.reduce_sum(weights, axis=1)

    def passes(places: tf.Tensor) -> tf.Tensor:
        return _sums(index <= places, weights) > target[:, tf.newaxis]

    found = _least(_bits_of_index(weights), tf.shape(weights)[0], passes)
    # rounding can take a target to the sum itself: then it is the last that weighs anything
    return tf.minimum(found, tf.reduce_max(tf.where(weights > 0, index, 0), axis=1))


def _fewest_that_reach(target: tf.Tensor, amounts: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
    """Which of a row, by descending weight and then by index, are the fewest whose amounts reach its target.

    target: float32 [R]; amounts, weights: float32 [R, N]. Returns bool [R, N].
    """
    rows, goal = tf.shape(weights)[0], target[:, tf.newaxis]
    # as integers, floats that are not negative have the same order
    rank = _ONE - tf.bitcast(weights, tf.int32)
    last = _least(_WEIGHT_BITS, rows, lambda r: _sums(rank[:, tf.newaxis] <= r, amounts) >= goal)[
        :, tf.newaxis
    ]
    before, equal = rank < last, rank == last
    lacking = goal - tf.reduce_sum(tf.where(before, amounts, 0.0), axis=1, keepdims=True)
    index, of_equal = tf.range(weights.shape[1]), tf.where(equal, amounts, 0.0)
    cut = _least(_bits_of_index(weights), rows, lambda i: _sums(index <= i, of_equal) >= lacking)
    return before | (equal & (index <= cut[:, tf.newaxis]))


def _least(bits: int, rows: tf.Tensor, holds: Callable[[tf.Tensor], tf.Tensor]) -> tf.Tensor:
    """The least integer of so many bits, int32 [R], that a condition holds for, as for all above it.

    holds: int32 [R, C, 1] to bool [R, C].
    """
    least = tf.zeros([rows], tf.int32)
    for low in reversed(range(0, bits, _BITS)):
        digits = tf.range(2 ** min(_BITS, bits - low) - 1)
        places = least[:, tf.newaxis] + digits * 2**low + (2**low - 1)  # [R, C]
        misses = tf.math.count_nonzero(~holds(places[..., tf.newaxis]), axis=1, dtype=tf.int32)
        least += misses * 2**low
    return least


def _sums(kept: tf.Tensor, amounts: tf.Tensor) -> tf.Tensor:
    """The sums [R, C] of amounts [R, N] where kept, bool [R, C, N]."""
    return tf.reduce_sum(tf.where(kept, amounts[:, tf.newaxis], 0.0), axis=2)


def _bits_of_index(weights: tf.Tensor) -> int:
    return int(weights.shape[1] - 1).bit_length()
