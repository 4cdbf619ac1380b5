"""Drawing a token from logits: repetition penalty, temperature, top-k, top-p, and one uniform number
a draw.

The filters read logits in descending order, so that a filter is a prefix of them. Sorting all of a
vocabulary costs more than the rest together, so the `PREFIX` most probable are tried first, unless
they cannot do. Where top-p reaches beyond them, tokens are counted into buckets of nearly equal
logits and only the buckets that matter are sorted; all tokens are, where neither way can tell.
"""

import tensorflow as tf

PREFIX = 1024
# flat logits, with a deviation of 0.5 over 50,257 ids, put some 300 of them into the fullest bucket
BUCKETS, BUCKETS_PER_NAT = 2048, 128


def penalise_repetition(
    logits: tf.Tensor, seen: tf.Tensor, penalty: tf.Tensor | float
) -> tf.Tensor:
    """Logits float [B, V] with those of seen tokens, bool [B, V], made less probable.

    A positive logit is divided by the penalty, a negative one multiplied; 1 is off (Keskar et al.
    2019, "CTRL", which assumes positive logits; the sign is that of later implementations).
    """

    def penalised() -> tf.Tensor:
        return tf.where(seen, tf.where(logits > 0, logits / penalty, logits * penalty), logits)

    return tf.cond(tf.equal(penalty, 1.0), lambda: logits, penalised)


def tokens_of(ids: tf.Tensor, lengths: tf.Tensor, size: int) -> tf.Tensor:
    """Which tokens the last `lengths` of ids int [B, P] hold: bool [B, size]."""
    rows, width = tf.shape(ids)[0], tf.shape(ids)[1]
    inside = tf.where(tf.range(width) >= width - lengths[:, tf.newaxis])  # [tokens, 2]
    places = tf.stack([inside[:, 0], tf.cast(tf.gather_nd(ids, inside), tf.int64)], axis=1)
    counts = tf.scatter_nd(places, tf.ones([tf.shape(places)[0]], tf.int32), [rows, size])
    return counts > 0


def kept_by_top_k(count: tf.Tensor | int, k: tf.Tensor | int) -> tf.Tensor:
    """Which of so many logits in descending order the k most probable are: bool [count].

    0 keeps all (Fan et al. 2018).
    """
    return (tf.range(count) < k) | tf.equal(k, 0)


def kept_by_top_p(probabilities: tf.Tensor, p: tf.Tensor | float) -> tf.Tensor:
    """Which are the fewest most probable tokens that reach probability p (Holtzman et al. 2019).

    The token that crosses p stays; 1 keeps all.

    probabilities: float [B, V], each row in descending order. Returns bool [B, V].
    """
    before = tf.cumsum(probabilities, axis=-1, exclusive=True)
    first = tf.range(tf.shape(probabilities)[-1]) == 0
    # rounding takes the sum to 1 before the last token: p = 1 is decided by itself
    return (before < p) | first | tf.greater_equal(p, 1.0)


def draw(weights: tf.Tensor, uniform: tf.Tensor) -> tf.Tensor:
    """The index that a uniform number falls on: inverse of the cumulative distribution.

    weights: float [B, V] in any order, probabilities up to a factor; 0 is never drawn.
    uniform: float32 [B] in [0, 1).
    Returns int32 [B].
    """
    cumulative = tf.cumsum(weights, axis=-1)  # [B, V]
    return _first_beyond(cumulative, uniform * cumulative[:, -1])


def _first_beyond(cumulative: tf.Tensor, target: tf.Tensor) -> tf.Tensor:
    """Where each row of sums [B, N] first exceeds its target [B]: int32 [B]."""
    index = tf.reduce_sum(tf.cast(cumulative <= target[:, tf.newaxis], tf.int32), axis=-1)
    # rounding can take a target to the total itself: then it is the last that adds anything
    last = tf.reduce_sum(tf.cast(cumulative < cumulative[:, -1:], tf.int32), axis=-1)
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

    logits: float32 [B, V]; uniform: float32 [B] in [0, 1). Returns int32 [B], each of its own row
    alone.
    """
    size = tf.shape(logits)[-1]

    def filtered() -> tf.Tensor:
        scaled = logits / temperature
        below = scaled - tf.reduce_max(scaled, axis=-1, keepdims=True)
        # no token weighs more than the first, so that of a flat row they cannot reach p
        fewest = tf.reduce_min(top_p * tf.reduce_sum(tf.exp(below), axis=-1))
        tokens, exact = tf.cond(
            tf.equal(top_k, 0) & (fewest > PREFIX),
            lambda: (tf.zeros_like(uniform, tf.int32), tf.zeros_like(uniform, tf.bool)),
            lambda: _draw_from_most_probable(scaled, uniform, top_k, top_p, PREFIX),
        )

        def with_buckets() -> tf.Tensor:
            found, told = _draw_from_buckets(scaled, uniform, top_p)
            told &= tf.equal(top_k, 0)
            found, told = tf.where(exact, tokens, found), exact | told
            return tf.cond(tf.reduce_all(told), lambda: found, lambda: with_all(found, told))

        def with_all(found: tf.Tensor, told: tf.Tensor) -> tf.Tensor:
            sorted_tokens, _ = _draw_from_most_probable(scaled, uniform, top_k, top_p, size)
            return tf.where(told, found, sorted_tokens)

        return tf.cond(tf.reduce_all(exact), lambda: tokens, with_buckets)

    def drawn() -> tf.Tensor:
        return tf.cond(
            tf.equal(top_k, 0) & tf.greater_equal(top_p, 1.0),
            lambda: draw(tf.nn.softmax(logits / temperature), uniform),
            filtered,
        )

    return tf.cond(tf.greater(temperature, 0.0), drawn, lambda: greedy(logits))


def _draw_from_most_probable(
    logits: tf.Tensor,
    uniform: tf.Tensor,
    top_k: tf.Tensor | int,
    top_p: tf.Tensor | float,
    count: tf.Tensor | int,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Tokens int32 [B] drawn from the `count` most probable, and whether all tokens would give them.

    They would where the filters keep nothing beyond the first `count`: bool [B].
    """
    size = tf.shape(logits)[-1]
    count = tf.minimum(count, size)
    top, ids = tf.math.top_k(logits, count)  # equal logits keep the order of their ids
    # shifted by the largest, as a softmax is
    weights = tf.exp(top - top[:, :1]) * tf.cast(kept_by_top_k(count, top_k), top.dtype)
    # top-p is of what top-k leaves, and without top-k of every token
    every = tf.reduce_sum(tf.exp(logits - top[:, :1]), axis=-1)
    mass = tf.where(tf.equal(top_k, 0), every, tf.reduce_sum(weights, axis=-1))  # [B]
    probabilities = weights / mass[:, tf.newaxis]
    kept = kept_by_top_p(probabilities, top_p)
    tokens = tf.gather(ids, draw(tf.where(kept, weights, 0.0), uniform), batch_dims=1)
    # beyond the first `count`, top-k takes nothing, or without top-k top-p does
    by_k = tf.greater(top_k, 0) & tf.less_equal(top_k, count)
    by_p = tf.equal(top_k, 0) & ~kept[:, -1]
    return tokens, by_k | by_p | tf.equal(count, size)


def _draw_from_buckets(
    logits: tf.Tensor, uniform: tf.Tensor, top_p: tf.Tensor | float
) -> tuple[tf.Tensor, tf.Tensor]:
    """Tokens int32 [B] drawn under top-p alone, and whether the buckets could tell them: bool [B].

    A bucket holds the logits of one stretch of 1 / BUCKETS_PER_NAT, the last all that are lower.
    """
    rows = tf.shape(logits)[0]
    below = tf.reduce_max(logits, axis=-1, keepdims=True) - logits  # [B, V]
    weights = tf.exp(-below)
    last = float(BUCKETS - 1)
    bucket = tf.cast(tf.minimum(below * BUCKETS_PER_NAT, last), tf.int32)  # [B, V]
    segments = bucket + BUCKETS * tf.range(rows)[:, tf.newaxis]
    mass = tf.math.unsorted_segment_sum(weights, segments, rows * BUCKETS)
    mass = tf.reshape(mass, [rows, BUCKETS])
    ends = tf.cumsum(mass, axis=-1)

    def reach(target: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """The token [B] at which the descending mass passes a target [B], the mass with it, and
        whether its bucket could be sorted."""
        passes = _first_beyond(ends, target)
        before = tf.gather(ends - mass, passes, batch_dims=1)
        inside = bucket == passes[:, tf.newaxis]
        count = tf.minimum(PREFIX, tf.shape(logits)[-1])
        top, ids = tf.math.top_k(tf.where(inside, -below, -float("inf")), count)
        part = tf.exp(top)  # 0 outside the bucket
        within = tf.cumsum(part, axis=-1)
        index = _first_beyond(within, target - before)
        token = tf.gather(ids, index, batch_dims=1)
        up_to = before + tf.gather(within, index, batch_dims=1)
        return token, up_to, tf.reduce_sum(tf.cast(inside, tf.int32), axis=-1) <= count

    _, kept, told = reach(top_p * ends[:, -1])
    tokens, _, told_too = reach(uniform * kept)
    return tokens, told & told_too


def uniforms(seeds: tf.Tensor, count: tf.Tensor | int) -> tf.Tensor:
    """Uniform numbers in [0, 1) for each row: float32 [B, count].

    A row's numbers depend on its own seed alone, not on its neighbours, and the first ones not on
    how many are asked for.

    seeds: int64 [B, 2].
    """

    def of_row(seed: tf.Tensor) -> tf.Tensor:
        return tf.random.stateless_uniform([count], seed, alg="philox")

    return tf.map_fn(of_row, seeds, fn_output_signature=tf.TensorSpec([None], tf.float32))
