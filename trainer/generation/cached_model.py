"""A GPT-2 with cached keys and values: one pass over the prompts, then a token at a time.

Every row writes its next token at the same slot, and a row's tokens lie in consecutive slots, so
the slot and the position of the token there say which slots a row sees:

    slot          0  1  2  3 | 4  5
    row 0         .  .  a  b | c  d        (. is padding, | the end of the prompts)
    positions     .  .  0  1 | 2  3
    row 1         e  f  g  h | i  j
    positions     0  1  2  3 | 4  5
"""

import tensorflow as tf

from trainer.block_function import BlockFunction
from trainer.few_rows import OF_FEW_ROWS, product_of_few_rows
from trainer.generation.prompts import Prompts
from trainer.gpt2 import GPT2, Cache, causal_mask, transformer


class CachedModel:
    """The forward pass of generation, with weights that are cast once.

    Rows are independent of each other bit for bit: a prompt is prefilled by itself, and the products
    of a step of up to MOST_ROWS rows are those of `trainer.few_rows`.
    """

    def __init__(self, model: GPT2) -> None:
        self.config = model.config
        self._weights = model.weights()
        self._prefill_block = BlockFunction()
        self._decode_block = BlockFunction(OF_FEW_ROWS)

    def prefill(self, prompts: Prompts, new_slots: tf.Tensor | int) -> tuple[tf.Tensor, Cache]:
        """Logits float32 [n, V] of each prompt's next token, and the cache of P + new_slots slots.

        prompts: n of them in P slots.
        """
        slots = tf.range(tf.shape(prompts.ids)[1])

        def of_row(row: tuple[tf.Tensor, tf.Tensor]) -> tuple[tf.Tensor, Cache]:
            ids, length = row
            positions = slots - (tf.size(slots) - length)  # negative at the padding
            mask = causal_mask(tf.cast(positions >= 0, tf.int32)[tf.newaxis])
            positions = tf.maximum(positions, 0)[tf.newaxis]
            hidden, cache = transformer(
                self._weights,
                self.config,
                ids[tf.newaxis],
                positions,
                mask,
                run_block=self._prefill_block,
            )
            return hidden[0, -1], Cache(*([layer[0] for layer in part] for part in cache))

        hidden, cache = tf.map_fn(
            of_row, (prompts.ids, prompts.lengths), self._row_types(), parallel_iterations=1
        )
        paddings = [[0, 0], [0, 0], [0, new_slots], [0, 0]]
        widened = Cache(*([tf.pad(layer, paddings) for layer in part] for part in cache))
        return self._logits(hidden), widened

    def decode(
        self,
        ids: tf.Tensor,
        positions: tf.Tensor,
        slot: tf.Tensor,
        cache: Cache,
    ) -> tuple[tf.Tensor, Cache]:
        """Logits float32 [R, V] after one more token of each row, and the cache with it.

        ids, positions: int32 [R], the token and its place in its own text; slot: where it goes.
        """
        slots = tf.range(tf.shape(cache.keys[0])[2])
        first = (slot - positions)[:, tf.newaxis]  # [R, 1]
        mask = (first <= slots) & (slots <= slot)  # [R, S]
        hidden, cache = transformer(
            self._weights,
            self.config,
            ids[:, tf.newaxis],
            positions[:, tf.newaxis],
            mask[:, tf.newaxis, tf.newaxis],
            past=cache,
            slot=slot,
            operations=OF_FEW_ROWS,
            run_block=self._decode_block,
        )
        return self._logits(hidden[:, 0]), cache

    def _logits(self, hidden: tf.Tensor) -> tf.Tensor:
        """Logits float32 [R, V] of hidden vectors [R, W]."""
        return tf.cast(product_of_few_rows(hidden, self._weights["model/wte"]), tf.float32)

    def _row_types(self) -> tuple[tf.TensorSpec, Cache]:
        dtype = self._weights["model/wte"].dtype
        layer = tf.TensorSpec([self.config.heads, None, self.config.head_width], dtype)
        part = [layer] * self.config.layers
        return tf.TensorSpec([self.config.width], dtype), Cache(part, list(part))
