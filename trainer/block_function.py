"""A block as a function of a graph, which the graph holds once and calls for every layer."""

from functools import partial

import tensorflow as tf

from trainer.gpt2 import Weights, block
from trainer.operations import PLAIN, Operations
from trainer.row_by_row import row_by_row

_Past = tuple[tf.Tensor, tf.Tensor]


class BlockFunction:
    """`trainer.gpt2.block` with TensorFlow's operations, for `transformer`, traced once for all layers.

    Inlined, the operations of 48 blocks in five signatures make a SavedModel that takes a gigabyte
    to load. TensorFlow inlines the calls itself when a graph runs.
    """

    def __init__(self) -> None:
        self._function = tf.function(_block, autograph=False)

    def __call__(
        self,
        weights: Weights,
        heads: int,
        x: tf.Tensor,
        mask: tf.Tensor,
        past: _Past | None,
        slot: tf.Tensor | None,
        operations: Operations,
        place: int,
        one_by_one: tf.Tensor | None = None,
    ) -> tuple[tf.Tensor, _Past]:
        """As `block`; operations must be `PLAIN`. one_by_one: multiply as `row_by_row` does then."""
        assert operations is PLAIN
        del place  # nothing is dropped
        return self._function(dict(weights), heads, x, mask, past, slot, one_by_one)


def _block(
    weights: Weights,
    heads: int,
    x: tf.Tensor,
    mask: tf.Tensor,
    past: _Past | None,
    slot: tf.Tensor | None,
    one_by_one: tf.Tensor | None,
) -> tuple[tf.Tensor, _Past]:
    operations = PLAIN
    if one_by_one is not None:
        operations = Operations(multiply=partial(row_by_row, one_by_one=one_by_one))
    return block(weights, heads, x, mask, past, slot, operations, 0)
