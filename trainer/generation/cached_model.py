"""A GPT-2 with cached keys and values: one pass over the prompts, then a token at a time.

A row's token of position p lies at slot p, so that rows need not be equally long:

    slot          0  1  2  3  4
    row 0         a  b | c  d  .      (| is the end of the prompt, . a slot that nobody sees yet)
    row 1         e  f  g  h | i

What a prompt begins with in common with the one before it, such as the story that all questions are
about, is computed once: keys and values of a token depend on the tokens up to it alone.
"""

import tensorflow as tf

from trainer.block_function import BlockFunction
from trainer.few_rows import OF_FEW_ROWS, product_of_few_rows
from trainer.generation.prompts import Prompts, buckets, in_common
from trainer.gpt2 import GPT2, Cache, transformer
from trainer.operations import Operations
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
        self._prefill_block = BlockFunction(_OF_PROMPTS)
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
        """The hidden vectors [n, W] of the last tokens, and the cache, one row after the other.

        A row goes on from what it has in common with the row before it.
        """
        same = in_common(prompts)
        sizes = buckets(prompts.lengths - same, prompts.widths)
        starts = tf.minimum(same, prompts.widths - sizes)

        def of_row(
            before: tuple[tf.Tensor, Cache], row: tuple[tf.Tensor, ...]
        ) -> tuple[tf.Tensor, Cache]:
            ids, length, width, start, size = row
            past = before[1].map(lambda layer: layer[tf.newaxis, :, :width])
            hidden, cache = self._pass(ids[tf.newaxis, start : start + size], start, past)
            known = before[1].keys[0].shape
            cache = _with_slots(cache, slots).map(lambda layer: tf.ensure_shape(layer[0], known))
            return hidden[0, length - 1 - start], cache

        dtype = self._weights["model/wte"].dtype
        nothing = tf.zeros([self.config.width], dtype), self._empty([], slots)
        rows = (*prompts, starts, sizes)
        return tf.scan(of_row, rows, nothing, parallel_iterations=1)

    def prefill_together(self, prompts: Prompts, slots: tf.Tensor | int) -> tuple[tf.Tensor, Cache]:
        """As `prefill_apart`, in one pass over all rows."""
        count, width = tf.unstack(tf.shape(prompts.ids))
        hidden, cache = self._pass(prompts.ids, 0, self._empty([count], width))
        return tf.gather(hidden, prompts.lengths - 1, batch_dims=1), _with_slots(cache, slots)

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

    def _pass(self, ids: tf.Tensor, start: tf.Tensor | int, past: Cache) -> tuple[tf.Tensor, Cache]:
        """Hidden vectors [B, L, W] of tokens [B, L] whose first has position `start`, and the past with them.

        past: of at least start + L slots, of which those before `start` are read.
        """
        positions = start + tf.range(tf.shape(ids)[1])
        seen = tf.range(tf.shape(past.keys[0])[2]) <= positions[:, tf.newaxis]  # [L, S]
        return transformer(
            self._weights,
            self.config,
            ids,
            positions[tf.newaxis],
            seen[tf.newaxis, tf.newaxis],
            past=past,
            slot=start,
            operations=_OF_PROMPTS,
            run_block=self._prefill_block,
        )

    def _empty(self, rows: list[tf.Tensor], slots: tf.Tensor | int) -> Cache:
        """A cache of zeros, of rows or of one without that axis."""
        shape = [*rows, self.config.heads, slots, self.config.head_width]
        layers = [tf.zeros(shape, self._weights["model/wte"].dtype)] * self.config.layers
        return Cache(layers, list(layers))

    def _logits(self, hidden: tf.Tensor) -> tf.Tensor:
        """Logits float32 [R, V] of hidden vectors [R, W]."""
        return tf.cast(product_of_few_rows(hidden, self._weights["model/wte"]), tf.float32)


def _write_from(old: tf.Tensor, new: tf.Tensor, slot: tf.Tensor) -> tf.Tensor:
    """A cache [B, H, S, D] with new [B, H, L, D] in place of what it has from a slot on."""
    end = slot + tf.shape(new)[2]
    return tf.concat([old[:, :, :slot], new, old[:, :, end:]], axis=2)


_OF_PROMPTS = Operations(write_slots=_write_from)


def _with_slots(cache: Cache, slots: tf.Tensor | int) -> Cache:
    """A cache of rows with as many slots."""
    room = [[0, 0], [0, 0], [0, slots - tf.shape(cache.keys[0])[2]], [0, 0]]
    return cache.map(lambda layer: tf.pad(layer, room))
