"""A block as a function of a graph, which the graph holds once and calls for every layer."""

import tensorflow as tf

from trainer.gpt2 import Dropout, GPT2Config, Weights, block, keep_all

_Past = tuple[tf.Tensor, tf.Tensor]


class BlockFunction:
    """`trainer.gpt2.block` without dropout, for `transformer`, traced once for all layers.

    Inlined, the operations of 48 blocks in five signatures make a SavedModel that takes a gigabyte
    to load. TensorFlow inlines the calls itself when a graph runs.
    """

    def __init__(self) -> None:
        self._function = tf.function(_first_block, autograph=False)

    def __call__(
        self,
        weights: Weights,
        config: GPT2Config,
        layer: int,
        x: tf.Tensor,
        mask: tf.Tensor,
        past: _Past | None,
        slot: tf.Tensor | None,
        drop: Dropout,
    ) -> tuple[tf.Tensor, _Past]:
        """As `block`; drop must be `keep_all`."""
        assert drop is keep_all
        prefix, first = f"model/h{layer}/", "model/h0/"
        own = {
            name.replace(prefix, first, 1): value
            for name, value in weights.items()
            if name.startswith(prefix)
        }
        return self._function(own, config, x, mask, past, slot)


def _first_block(
    weights: Weights,
    config: GPT2Config,
    x: tf.Tensor,
    mask: tf.Tensor,
    past: _Past | None,
    slot: tf.Tensor | None,
) -> tuple[tf.Tensor, _Past]:
    return block(weights, config, 0, x, mask, past, slot, keep_all)
