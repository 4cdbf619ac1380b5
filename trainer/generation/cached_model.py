"""A GPT-2 with cached keys and values: one pass over the prompts, then a token at a time.

A row's token of position p lies at slot p, so that rows need not be equally long:

    slot          0  1  2  3  4
    row 0         a  b | c  d  .      (| is the end of the prompt, . a slot that nobody sees yet)
    row 1         e  f  g  h | i
"""

import tensorflow as tf

from trainer.block_function import BlockFunction
from trainer.few_rows import OF_FEW_ROWS, product_of_few_rows
from trainer.generation.prompts import Prompts
from trainer.gpt2 import GPT2, Cache, causal_mask, transformer
from trainer.placement import is_on_gpu


class CachedModel:
    """The forward pass of generation, with weights that are cast once.

    Rows are independent of each other bit for bit: a prompt is prefilled by itself, and the products
    of a step of up to MOST_ROWS rows are those of `trainer.few_rows`. On a GPU, which promises no
    such thing, prompts are prefilled together.
    """

    def __init__(self, model: GPT2) -> None:
        self.config = model.config
        self._weights = model.weights()
        self._prefill_block = BlockFunction()
        self._decode_block = BlockFunction(OF_FEW_ROWS)

    def prefill(self, prompts: Prompts, slots: tf.Tensor | int) -> tuple[tf.Tensor, Cache]:
        """Logits float32 [n, V] of each prompt's next token, and the cache, of so many slots.

        prompts: n of them, no wider than slots.
        """
        hidden, cache = tf.cond(
            is_on_gpu(),
            lambda: self.prefill_together(prompts, slots),
            lambda: self.prefill_apart(prompts, slots),
        )
        return self._logits(hidden), cache

    def prefill_apart(self, prompts: Prompts, slots: tf.Tensor | int) -> tuple[tf.Tensor, Cache]:
        """The hidden vectors [n, W] of the last tokens, and the cache, each row by itself."""

        def of_row(row: tuple[tf.Tensor, tf.Tensor, tf.Tensor]) -> tuple[tf.Tensor, Cache]:
            ids, length, width = row
            hidden, cache = self._pass(ids[tf.newaxis, :width], slots)
            return hidden[0, length - 1], Cache(*([layer[0] for layer in part] for part in cache))

        dtype = self._weights["model/wte"].dtype
        layer = tf.TensorSpec([self.config.heads, None, self.config.head_width], dtype)
        part = [layer] * self.config.layers
        types = tf.TensorSpec([self.config.width], dtype), Cache(part, list(part))
        return tf.map_fn(of_row, tuple(prompts), fn_output_signature=types, parallel_iterations=1)

    def prefill_together(self, prompts: Prompts, slots: tf.Tensor | int) -> tuple[tf.Tensor, Cache]:
        """As `prefill_apart`, in one pass over all rows."""
        hidden, cache = self._pass(prompts.ids, slots)
        return tf.gather(hidden, prompts.lengths - 1, batch_dims=1), cache

    def decode(self, ids: tf.Tensor, slots: tf.Tensor, cache: Cache) -> tuple[tf.Tensor, Cache]:
        """Logits float32 [R, V] after one more token of each row, and the cache with it.

        ids, slots: int32 [R], the token and its position, which is its slot. The memory of the cache
        that was given holds the new one.
        """
        seen = tf.range(tf.shape(cache.keys[0])[2]) <= slots[:, tf.newaxis]  # [R, S]
        hidden, cache = transformer(
            self._weights,
            self.config,
            ids[:, tf.newaxis],
            slots[:, tf.newaxis],
            seen[:, tf.newaxis, tf.newaxis],
            past=cache,
            slot=slots,
            operations=OF_FEW_ROWS,
            run_block=self._decode_block,
        )
        return self._logits(hidden[:, 0]), cache

    def _pass(self, ids: tf.Tensor, slots: tf.Tensor | int) -> tuple[tf.Tensor, Cache]:
        """Hidden vectors [B, L, W] of rows of ids [B, L], and the cache, widened to so many slots."""
        length = tf.shape(ids)[1]
        hidden, cache = transformer(
            self._weights,
            self.config,
            ids,
            tf.range(length)[tf.newaxis],
            causal_mask(tf.ones_like(ids)),
            run_block=self._prefill_block,
        )
        paddings = [[0, 0], [0, 0], [0, slots - length], [0, 0]]
        return hidden, Cache(*([tf.pad(layer, paddings) for layer in part] for part in cache))

    def _logits(self, hidden: tf.Tensor) -> tf.Tensor:
        """Logits float32 [R, V] of hidden vectors [R, W]."""
        return tf.cast(product_of_few_rows(hidden, self._weights["model/wte"]), tf.float32)
