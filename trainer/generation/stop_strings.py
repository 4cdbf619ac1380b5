"""Stop strings inside a graph: does a text hold one, and the text before it.

The search is over bytes. UTF-8 is self-synchronising, so it finds a string exactly where the
decoded text holds it, also beside bytes that are no UTF-8.
"""

import tensorflow as tf


def holds_any(texts: tf.Tensor, stop: tf.Tensor, stopped_by: tf.Tensor | None = None) -> tf.Tensor:
    """Whether each text, string [n], holds one of the strings, string [s]: bool [n].

    stopped_by: bool [n, s], which strings are looked for in a text; None is all.
    """
    return _first(texts, stop, stopped_by) < tf.strings.length(texts)


def cut_before(texts: tf.Tensor, stop: tf.Tensor) -> tf.Tensor:
    """Each text, string [n], up to where the first of the strings, string [s], begins."""
    ends = _first(texts, stop)
    return tf.strings.substr(texts, tf.zeros_like(ends), ends)


def _first(texts: tf.Tensor, stop: tf.Tensor, stopped_by: tf.Tensor | None = None) -> tf.Tensor:
    """Where the first of the strings begins, in bytes; the length where none does: int32 [n]."""

    def earlier(number: tf.Tensor, first: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        pieces = tf.raw_ops.StringSplitV2(input=texts, sep=stop[number], maxsplit=1)
        at_start = tf.where(pieces.indices[:, 1] == 0)
        before = tf.scatter_nd(
            tf.gather_nd(pieces.indices, at_start)[:, :1],
            tf.strings.length(tf.gather_nd(pieces.values, at_start)),
            tf.shape(texts, tf.int64),
        )
        if stopped_by is not None:
            before = tf.where(stopped_by[:, number], before, first)
        return number + 1, tf.minimum(first, before)

    start = (tf.constant(0), tf.strings.length(texts))
    return tf.while_loop(lambda number, _: number < tf.size(stop), earlier, start)[1]
