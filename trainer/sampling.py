"""Drawing a token from logits: repetition penalty, temperature, top-k, top-p, and one uniform number
a draw.

Nothing is sorted, but on a GPU outside of XLA's programs. What a filter keeps ends at a weight, and
among equal weights at an id; either is found by halving where it can lie, and so is the id that a
uniform number falls on. A pass over a vocabulary of 50,257 takes XLA some 10 us on a processor,
sorting it 3 ms.

On a processor rows run one program side by side. XLA makes the kernel of a reduction when it first runs
(YNNPACK, in TensorFlow 2.21), and notes a constant in it in a list that the threads share: a process
that two threads changed it in at once has died of it. So each reduction of floats begins with the number that
a selection before it holds too, which XLA hands to both.
"""

from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf

from trainer.placement import is_on_gpu
from trainer.sampling_by_sorting import sample_by_sorting


class Halving(NamedTuple):
    """How an answer is found by passes over rows.

    bits: of the answer that a pass settles, by looking at 2 ** bits - 1 places at once. lanes: sums are
    taken in so many, which XLA makes vectors of on a processor. branches: whether passes loop, and those
    that nobody asked for are left out: on a GPU either waits for the host.
    """

    bits: int
    lanes: int
    branches: bool


ON_PROCESSOR = Halving(bits=1, lanes=512, branches=True)
ON_GPU = Halving(bits=3, lanes=1, branches=False)

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
    nothing = tf.reduce_all(tf.equal(of_row, 1.0))
    return tf.cond(nothing, lambda: logits, lambda: penalised(logits, seen, of_row))


def penalised(logits: tf.Tensor, seen: tf.Tensor, penalty: tf.Tensor) -> tf.Tensor:
    """As `penalise_repetition`, whatever the penalty is."""
    return tf.where(seen, tf.where(logits > 0, logits / penalty, logits * penalty), logits)


def tokens_of(ids: tf.Tensor, lengths: tf.Tensor, size: int) -> tf.Tensor:
    """Which tokens the first `lengths` of ids int [B, P] hold: bool [B, size]."""
    rows, width = tf.shape(ids)[0], tf.shape(ids)[1]
    columns = tf.where(tf.range(width) < lengths[:, tf.newaxis], ids, size)  # the last, at padding
    places = tf.stack([tf.repeat(tf.range(rows), width), tf.reshape(columns, [-1])], axis=1)
    counts = tf.scatter_nd(places, tf.ones([rows * width], tf.int32), [rows, size + 1])
    return counts[:, :size] > 0


def kept_by_top_k(weights: tf.Tensor, k: tf.Tensor, way: Halving = ON_PROCESSOR) -> tf.Tensor:
    """Which are the k largest weights of a row, the first of equals: bool [R, N]; 0 keeps all (Fan et
    al. 2018).

    weights: float32 [R, N] in [0, 1]; k: int32 [R].
    """
    off = tf.equal(k, 0)
    target = tf.cast(k, tf.float32)
    return _filtered(off, target, tf.ones_like(weights), weights, way)


def kept_by_top_p(weights: tf.Tensor, p: tf.Tensor, way: Halving = ON_PROCESSOR) -> tf.Tensor:
    """Which are the fewest largest weights of a row that reach p of their sum (Holtzman et al. 2019).

    The token that crosses p stays; 1 keeps all.

    weights: float32 [R, N] in [0, 1], probabilities up to a factor; p: float32 [R]. Returns bool [R, N].
    """
    # rounding takes the sum to 1 before the last token: p = 1 is decided by itself
    return _filtered(p >= 1.0, p * _total(weights, way), weights, weights, way)


def draw(weights: tf.Tensor, uniform: tf.Tensor, way: Halving = ON_PROCESSOR) -> tf.Tensor:
    """The index that each uniform number falls on: inverse of the cumulative distribution.

    weights: float32 [R, N] in any order, probabilities up to a factor; 0 is never drawn.
    uniform: float32 [R] in [0, 1).
    Returns int32 [R].
    """
    index = tf.range(weights.shape[1])
    target = (uniform * _total(weights, way))[:, tf.newaxis]

    def passes(place: tf.Tensor) -> tf.Tensor:
        return _sums_where(index <= place, weights, way) > target

    found = _least(int(weights.shape[1] - 1).bit_length(), tf.shape(weights)[0], passes, way)
    # rounding can take a target to the sum itself: then it is the last that weighs anything
    return tf.minimum(found, tf.reduce_max(tf.where(weights > 0, index, 0), axis=1))


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

    def row_by_row() -> tf.Tensor:
        return tf.map_fn(
            lambda row: _drawn_alone(*(value[tf.newaxis] for value in row))[0],
            (logits, uniform, *settings),
            fn_output_signature=tf.TensorSpec([], tf.int32),
        )

    def drawn() -> tf.Tensor:
        tokens = tf.cond(
            is_on_gpu(), lambda: sample_by_sorting(logits, uniform, *settings), row_by_row
        )
        return tf.where(hot, tokens, greedy(logits))

    return tf.cond(tf.reduce_any(hot), drawn, lambda: greedy(logits))


def draw_filtered(
    logits: tf.Tensor,
    uniform: tf.Tensor,
    temperature: tf.Tensor,
    top_k: tf.Tensor | None,
    top_p: tf.Tensor,
    way: Halving,
) -> tf.Tensor:
    """As `sample` of rows with a temperature above 0, all settings [R]; top_k None is off for all."""
    lowest = -float("inf")
    selected = tf.where(logits > lowest, logits, lowest)
    largest = tf.reduce_max(selected, axis=1, keepdims=True)
    # of the largest as 1, as in a softmax; what fills the lanes weighs nothing
    weights = tf.exp((logits - largest) / temperature[:, tf.newaxis])
    weights = tf.pad(weights, [[0, 0], [0, -weights.shape[1] % way.lanes]])
    if top_k is not None:
        weights = tf.where(kept_by_top_k(weights, top_k, way), weights, 0.0)
    # top-p is of what top-k leaves
    weights = tf.where(kept_by_top_p(weights, top_p, way), weights, 0.0)
    return draw(weights, uniform, way)


@tf.function(jit_compile=True, autograph=False)
def _drawn_alone(
    logits: tf.Tensor,
    uniform: tf.Tensor,
    temperature: tf.Tensor,
    top_k: tf.Tensor,
    top_p: tf.Tensor,
) -> tf.Tensor:
    """The token of one row, all values [1, ...]; one program, whatever rows are beside it."""
    return draw_filtered(logits, uniform, temperature, top_k, top_p, ON_PROCESSOR)


def _filtered(
    off: tf.Tensor, target: tf.Tensor, amounts: tf.Tensor, weights: tf.Tensor, way: Halving
) -> tf.Tensor:
    """`_fewest_that_reach`, and all of a row where its filter is off: bool [R]."""

    def fewest() -> tf.Tensor:
        return off[:, tf.newaxis] | _fewest_that_reach(target, amounts, weights, way)

    if not way.branches:
        return fewest()
    return tf.cond(tf.reduce_all(off), lambda: tf.ones_like(weights, tf.bool), fewest)


def _fewest_that_reach(
    target: tf.Tensor, amounts: tf.Tensor, weights: tf.Tensor, way: Halving
) -> tf.Tensor:
    """Which of a row, by descending weight and then by index, are the fewest whose amounts reach its target.

    target: float32 [R]; amounts: float32 [R, N], not negative; weights: float32 [R, N] in [0, 1].
    Returns bool [R, N], all of a row where its target is not reached.
    """
    rows, goal = tf.shape(weights)[0], target[:, tf.newaxis]
    index = tf.range(weights.shape[1])
    # as integers, floats that are not negative have the same order
    rank = _ONE - tf.bitcast(weights, tf.int32)

    def reached(rank_at: tf.Tensor) -> tf.Tensor:
        return _sums_where(rank[:, tf.newaxis] <= rank_at, amounts, way) >= goal

    last = _least(_WEIGHT_BITS, rows, reached, way)[:, tf.newaxis]
    before, equal = rank < last, rank == last

    def up_to(place: tf.Tensor) -> tf.Tensor:
        return before[:, tf.newaxis] | (equal[:, tf.newaxis] & (index <= place))

    def cut() -> tf.Tensor:
        found = _least(
            int(weights.shape[1] - 1).bit_length(),
            rows,
            lambda place: _sums_where(up_to(place), amounts, way) >= goal,
            way,
        )
        return before | (equal & (index <= found[:, tf.newaxis]))

    if not way.branches:
        return cut()
    has_ties = tf.reduce_any(tf.math.count_nonzero(equal, axis=1) > 1)
    return tf.cond(has_ties, cut, lambda: before | equal)


def _least(
    bits: int, rows: tf.Tensor, holds: Callable[[tf.Tensor], tf.Tensor], way: Halving
) -> tf.Tensor:
    """The least integer of so many bits that a condition holds for, as it does for all above it.

    holds: int32 [R, C, 1] to bool [R, C]. Returns int32 [R]; the largest where it holds for none.
    """
    digits = tf.range(2**way.bits - 1)

    def settle(low: tf.Tensor | int, least: tf.Tensor) -> tf.Tensor:
        unit = tf.bitwise.left_shift(1, low)
        places = least[:, tf.newaxis] + digits * unit + (unit - 1)  # [R, C]
        misses = tf.math.count_nonzero(~holds(places[..., tf.newaxis]), axis=1, dtype=tf.int32)
        return least + misses * unit

    least, highest = tf.zeros([rows], tf.int32), (bits - 1) // way.bits * way.bits
    if not way.branches:
        for low in range(highest, -1, -way.bits):
            least = settle(low, least)
        return least
    return tf.while_loop(
        lambda low, _: low >= 0,
        lambda low, least: (low - way.bits, settle(low, least)),
        (tf.constant(highest), least),
    )[1]


def _sum(values: tf.Tensor, way: Halving) -> tf.Tensor:
    """The sums [...] of float32 [..., N], in an order that depends on N alone."""
    *rows, size = (-1 if axis is None else axis for axis in values.shape)
    if lacking := -size % way.lanes:
        values = tf.pad(values, [*([0, 0] for _ in rows), [0, lacking]])
    in_lanes = tf.reshape(values, [*rows, -(-size // way.lanes), way.lanes])
    return tf.reduce_sum(tf.reduce_sum(in_lanes, axis=-2), axis=-1)


def _total(weights: tf.Tensor, way: Halving) -> tf.Tensor:
    """The sums [R] of weights [R, N], by the operations of `_sums_where`."""
    return _sums_where((weights > 0)[:, tf.newaxis], weights, way)[:, 0]


def _sums_where(kept: tf.Tensor, amounts: tf.Tensor, way: Halving) -> tf.Tensor:
    """The sums [R, C] of amounts [R, N] where kept, bool [R, C, N]."""
    return _sum(tf.where(kept, amounts[:, tf.newaxis], 0.0), way)


def uniforms(seeds: tf.Tensor, count: tf.Tensor | int) -> tf.Tensor:
    """Uniform numbers in [0, 1) for each row: float32 [B, count].

    A row's numbers depend on its own seed alone, not on its neighbours, and the first ones not on
    how many are asked for.

    seeds: int64 [B, 2].
    """

    def of_row(seed: tf.Tensor) -> tf.Tensor:
        return tf.random.stateless_uniform([count], seed, alg="philox")

    return tf.map_fn(of_row, seeds, fn_output_signature=tf.TensorSpec([None], tf.float32))
