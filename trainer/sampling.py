"""Drawing a token from logits: repetition penalty, temperature, top-k, top-p, and one uniform number
a draw.

On a processor nothing is sorted. What a filter keeps ends at a weight, and among equal weights at an id; either is
found by halving where it can lie, and so is the id that a uniform number falls on. A pass over a
vocabulary of 50,257 takes XLA some 10 us, sorting it 3 ms.
"""

from collections.abc import Callable

import tensorflow as tf

from trainer.placement import is_on_gpu
from trainer.sampling_by_sorting import sample_by_sorting

# sums are taken in so many lanes, which XLA makes vectors of
_LANES = 512
# the bits of a weight in [0, 1] below its sign, all that are ever set
_WEIGHT_BITS, _ONE = 30, 0x3F800000


def penalise_repetition(
    logits: tf.Tensor, seen: tf.Tensor, penalty: tf.Tensor | float
) -> tf.Tensor:
    """Logits float [B, V] with those of seen tokens, bool [B, V], made less probable.

    A positive logit is divided by the penalty, a negative one multiplied; 1 is off (Keskar et al.
    2019, "CTRL", which assumes positive logits; the sign is that of later implementations).

    penalty: a number, or one for each row [B].
    """

    of_row = tf.reshape(tf.convert_to_tensor(penalty, tf.float32), [-1, 1])

    def penalised() -> tf.Tensor:
        return tf.where(seen, tf.where(logits > 0, logits / of_row, logits * of_row), logits)

    return tf.cond(tf.reduce_all(tf.equal(of_row, 1.0)), lambda: logits, penalised)


def tokens_of(ids: tf.Tensor, lengths: tf.Tensor, size: int) -> tf.Tensor:
    """Which tokens the first `lengths` of ids int [B, P] hold: bool [B, size]."""
    rows, width = tf.shape(ids)[0], tf.shape(ids)[1]
    inside = tf.where(tf.range(width) < lengths[:, tf.newaxis])  # [tokens, 2]
    places = tf.stack([inside[:, 0], tf.cast(tf.gather_nd(ids, inside), tf.int64)], axis=1)
    counts = tf.scatter_nd(places, tf.ones([tf.shape(places)[0]], tf.int32), [rows, size])
    return counts > 0


def kept_by_top_k(weights: tf.Tensor, k: tf.Tensor | int) -> tf.Tensor:
    """Which are the k largest weights, the first of equals: bool [N]; 0 keeps all (Fan et al. 2018).

    weights: float32 [N] in [0, 1].
    """

    def largest() -> tf.Tensor:
        return _fewest_that_reach(tf.cast(k, tf.float32), tf.ones_like(weights), weights)

    return tf.cond(tf.equal(k, 0), lambda: tf.ones_like(weights, tf.bool), largest)


def kept_by_top_p(weights: tf.Tensor, p: tf.Tensor | float) -> tf.Tensor:
    """Which are the fewest largest weights that reach p of their sum (Holtzman et al. 2019).

    The token that crosses p stays; 1 keeps all.

    weights: float32 [N] in [0, 1], probabilities up to a factor. Returns bool [N].
    """

    def fewest() -> tf.Tensor:
        return _fewest_that_reach(p * _sum(weights), weights, weights)

    # rounding takes the sum to 1 before the last token: p = 1 is decided by itself
    all_of_them = tf.greater_equal(p, 1.0)
    return tf.cond(all_of_them, lambda: tf.ones_like(weights, tf.bool), fewest)


def draw(weights: tf.Tensor, uniform: tf.Tensor | float) -> tf.Tensor:
    """The index that a uniform number falls on: inverse of the cumulative distribution.

    weights: float32 [N] in any order, probabilities up to a factor; 0 is never drawn.
    uniform: float32 in [0, 1).
    Returns an int32.
    """
    index = tf.range(tf.size(weights))
    target = uniform * _sum(weights)
    found = _least(_bits_of_index(weights), lambda i: _sum_where(index <= i, weights) > target)
    # rounding can take a target to the sum itself: then it is the last that weighs anything
    return tf.minimum(found, tf.reduce_max(tf.where(weights > 0, index, 0)))


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

    logits: float32 [B, V]; uniform: float32 [B] in [0, 1); the settings are numbers, or one for each
    row [B]. Returns int32 [B], each of its own row alone.
    """
    rows = tf.shape(uniform)
    temperature = tf.broadcast_to(tf.convert_to_tensor(temperature, tf.float32), rows)
    hot = temperature > 0.0
    settings = (
        tf.where(hot, temperature, 1.0),
        tf.broadcast_to(tf.convert_to_tensor(top_k, tf.int32), rows),
        tf.broadcast_to(tf.convert_to_tensor(top_p, tf.float32), rows),
    )

    def by_halving() -> tf.Tensor:
        return tf.map_fn(
            lambda row: _sample_row(*row),
            (logits, uniform, *settings),
            fn_output_signature=tf.TensorSpec([], tf.int32),
        )

    def drawn() -> tf.Tensor:
        tokens = tf.cond(
            is_on_gpu(), lambda: sample_by_sorting(logits, uniform, *settings), by_halving
        )
        return tf.where(hot, tokens, greedy(logits))

    return tf.cond(tf.reduce_any(hot), drawn, lambda: greedy(logits))


@tf.function(jit_compile=True, autograph=False)
def _sample_row(
    logits: tf.Tensor,
    uniform: tf.Tensor,
    temperature: tf.Tensor,
    top_k: tf.Tensor,
    top_p: tf.Tensor,
) -> tf.Tensor:
    """The token, int32, of one row of logits [V]; one program, whatever rows are beside it."""
    # of the largest as 1, as in a softmax; what fills the lanes weighs nothing
    weights = _fill_lanes(tf.exp((logits - tf.reduce_max(logits)) / temperature))
    # top-p is of what top-k leaves
    weights = tf.where(kept_by_top_k(weights, top_k), weights, 0.0)
    weights = tf.where(kept_by_top_p(weights, top_p), weights, 0.0)
    return draw(weights, uniform)


def _fewest_that_reach(target: tf.Tensor, amounts: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
    """Which, by descending weight and then by index, are the fewest whose amounts reach the target.

    target: float32; amounts: float32 [N], not negative; weights: float32 [N] in [0, 1].
    Returns bool [N], all of them where the target is not reached.
    """
    index = tf.range(tf.size(weights))
    # as integers, floats that are not negative have the same order
    rank = _ONE - tf.bitcast(weights, tf.int32)

    last = _least(_WEIGHT_BITS, lambda r: _sum_where(rank <= r, amounts) >= target)
    before, equal = rank < last, rank == last

    def up_to(i: tf.Tensor) -> tf.Tensor:
        return before | (equal & (index <= i))

    def cut() -> tf.Tensor:
        bits = _bits_of_index(weights)
        return up_to(_least(bits, lambda i: _sum_where(up_to(i), amounts) >= target))

    is_tie = tf.math.count_nonzero(equal) > 1
    return tf.cond(is_tie, cut, lambda: before | equal)


def _least(bits: int, holds: Callable[[tf.Tensor], tf.Tensor]) -> tf.Tensor:
    """The least integer of so many bits that a condition holds for, as it does for all above it.

    An int32; the largest of them where it holds for none.
    """

    def halve(bit: tf.Tensor, least: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        half = tf.bitwise.left_shift(1, bit)
        return bit - 1, tf.where(holds(least + half - 1), least, least + half)

    start = (tf.constant(bits - 1), tf.constant(0))
    return tf.while_loop(lambda bit, _: bit >= 0, halve, start)[1]


def _bits_of_index(values: tf.Tensor) -> int:
    return int(values.shape[0]).bit_length()


def _fill_lanes(values: tf.Tensor) -> tf.Tensor:
    """Values [N] with zeros up to whole lanes."""
    return tf.pad(values, [[0, -values.shape[0] % _LANES]])


def _sum(values: tf.Tensor) -> tf.Tensor:
    """The sum of float32 [N], in an order that depends on N alone."""
    return tf.reduce_sum(tf.reduce_sum(tf.reshape(_fill_lanes(values), [-1, _LANES]), axis=0))


def _sum_where(kept: tf.Tensor, values: tf.Tensor) -> tf.Tensor:
    return _sum(tf.where(kept, values, 0.0))


def uniforms(seeds: tf.Tensor, count: tf.Tensor | int) -> tf.Tensor:
    """Uniform numbers in [0, 1) for each row: float32 [B, count].

    A row's numbers depend on its own seed alone, not on its neighbours, and the first ones not on
    how many are asked for.

    seeds: int64 [B, 2].
    """

    def of_row(seed: tf.Tensor) -> tf.Tensor:
        return tf.random.stateless_uniform([count], seed, alg="philox")

    return tf.map_fn(of_row, seeds, fn_output_signature=tf.TensorSpec([None], tf.float32))
