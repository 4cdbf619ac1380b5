"""A block as a function of a graph, which the graph holds once and calls for every layer."""

import tensorflow as tf

from trainer.gpt2 import Weights, block
from trainer.operations import PLAIN, Operations

_Past = tuple[tf.Tensor, tf.Tensor]


class BlockFunction:
    """`trainer.gpt2.block` for `transformer`, traced once for all layers.

    Inlined, the operations of 48 blocks in five signatures make a SavedModel that takes a gigabyte
    to load. TensorFlow inlines the calls itself when a graph runs.

    operations: what it computes with; none of them may look at the place.
    """

    def __init__(self, operations: Operations = PLAIN) -> None:
        self._operations = operations
        self._function = tf.function(self._block, autograph=False)

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
    ) -> tuple[tf.Tensor, _Past]:
        """As `block`; operations must be those of this function."""
        assert operations is self._operations
        del place
        return self._function(dict(weights), heads, x, mask, past, slot)

    def _block(
        self,
        weights: Weights,
        heads: int,
        x: tf.Tensor,
        mask: tf.Tensor,
        past: _Past | None,
        slot: tf.Tensor | None,
    ) -> tuple[tf.Tensor, _Past]:
        return block(weights, heads, x, mask, past, slot, self._operations, 0)
