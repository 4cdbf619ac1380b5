"""A GPT-2 with cached keys and values: one pass over the prompts, then a token at a time.

Every row writes its next token at the same slot, and a row's tokens lie in consecutive slots, so
the slot and the position of the token there say which slots a row sees:

    slot          0  1  2  3 | 4  5
    row 0         .  .  a  b | c  d        (. is padding, | the end of the prompts)
    positions     .  .  0  1 | 2  3
    row 1         e  f  g  h | i  j
    positions     0  1  2  3 | 4  5
"""

from functools import partial

import tensorflow as tf

from trainer.block_function import BlockFunction
from trainer.generation.prompts import Prompts
from trainer.gpt2 import GPT2, Cache, causal_mask, logits, transformer
from trainer.row_by_row import can_go_row_by_row, row_by_row
from trainer.served_model import is_served

# In float32 a product of one row takes a kernel of its own that adds up in another order; products of
# 2 to 8 rows were seen to give each row the same bits, in every shape of 124M with oneDNN on two
# threads. In the half precision of a served model, so were those of 1 to 32 rows.
FEWEST_ROWS_IN_FLOAT32 = 2


class CachedModel:
    """The forward pass of generation, with weights that are cast once.

    Rows are independent of each other bit for bit: a prompt is prefilled by itself, and a step has
    `fewest_rows` to MOST_ROWS rows.
    """

    def __init__(self, model: GPT2) -> None:
        self.config = model.config
        self._weights = model.weights()
        self._served = is_served(self._weights)
        self.fewest_rows = 1 if self._served else FEWEST_ROWS_IN_FLOAT32
        self._block = BlockFunction()

    def prefill(self, prompts: Prompts, new_slots: tf.Tensor | int) -> tuple[tf.Tensor, Cache]:
        """Logits float32 [R, V] of each prompt's next token, and the cache of P + new_slots slots.

        prompts: n of them in P slots; R is n, or `fewest_rows` with blank rows after the last.
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
                run_block=self._block,
            )
            return hidden[0, -1], Cache(*([layer[0] for layer in part] for part in cache))

        hidden, cache = tf.map_fn(
            of_row, (prompts.ids, prompts.lengths), self._row_types(), parallel_iterations=1
        )
        blank = tf.maximum(self.fewest_rows - tf.shape(hidden)[0], 0)
        hidden = tf.pad(hidden, [[0, blank], [0, 0]])
        paddings = [[0, blank], [0, 0], [0, new_slots], [0, 0]]
        widened = Cache(*([tf.pad(layer, paddings) for layer in part] for part in cache))
        return tf.cast(logits(self._weights, hidden), tf.float32), widened

    def decode(
        self,
        ids: tf.Tensor,
        positions: tf.Tensor,
        slot: tf.Tensor,
        cache: Cache,
        *,
        one_by_one: tf.Tensor | bool,
    ) -> tuple[tf.Tensor, Cache]:
        """Logits float32 [R, V] after one more token of each row, and the cache with it.

        ids, positions: int32 [R], the token and its place in its own text; slot: where it goes.
        one_by_one: a bool, whether a served model multiplies row by row, which is faster for one or
            two rows and slower for more; the numbers round otherwise.
        """
        if self._served:
            one_by_one &= can_go_row_by_row(tf.size(ids))
        else:
            one_by_one = None
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
            run_block=partial(self._block, one_by_one=one_by_one),
        )
        if one_by_one is None:
            return tf.cast(logits(self._weights, hidden[:, 0]), tf.float32), cache
        last = tf.cast(hidden[:, 0], tf.float32)
        return row_by_row(last, self._weights["model/wte"], one_by_one), cache

    def _row_types(self) -> tuple[tf.TensorSpec, Cache]:
        dtype = self._weights["model/wte"].dtype
        layer = tf.TensorSpec([self.config.heads, None, self.config.head_width], dtype)
        part = [layer] * self.config.layers
        return tf.TensorSpec([self.config.width], dtype), Cache(part, list(part))
