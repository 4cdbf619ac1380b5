"""A block as a function of a graph, which the graph holds once and calls for every layer."""

import tensorflow as tf

from trainer.gpt2 import Weights, block
from trainer.operations import Operations


class BlockFunction:
    """`trainer.gpt2.block` for `transformer`, traced once for all layers.

    Inlined, the operations of 48 blocks in five signatures make a SavedModel that takes a gigabyte
    to load. TensorFlow inlines the calls itself when a graph runs.
    """

    def __init__(self) -> None:
        self._block = tf.function(block, autograph=False)

    def __call__(
        self,
        weights: Weights,
        heads: int,
        x: tf.Tensor,
        mask: tf.Tensor,
        past: tuple[tf.Tensor, tf.Tensor] | None,
        slot: tf.Tensor | None,
        operations: Operations,
        place: int,
    ) -> tuple[tf.Tensor, tuple[tf.Tensor, tf.Tensor]]:
        """As `block`; none of the operations may look at the place, which is every layer's."""
        del place
        return self._block(dict(weights), heads, x, mask, past, slot, operations, 0)
