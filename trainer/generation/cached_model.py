"""A GPT-2 with cached keys and values: one pass over the prompts, then a token at a time.

A row's token of position p lies at slot p, so that rows need not be equally long:

    slot          0  1  2  3  4
    row 0         a  b | c  d  .      (| is the end of the prompt, . a slot that nobody sees yet)
    row 1         e  f  g  h | i

What a prompt begins with in common with the one before it, such as the story that all questions are
about, is computed once: keys and values of a token depend on the tokens up to it alone.
"""

from functools import partial

import tensorflow as tf

from trainer.few_rows import product_of_few_rows
from trainer.generation.prompts import Prompts, buckets, in_common
from trainer.gpt2 import GPT2, Cache, block, transformer
from trainer.operations import Operations
from trainer.placement import is_on_gpu


class CachedModel:
    """The forward pass of generation, with weights that are cast once.

    Rows are independent of each other bit for bit: a prompt is prefilled by itself, and the products
    of a step of up to MOST_ROWS rows are those of `trainer.few_rows`. On a GPU, which promises no
    such thing, prompts are prefilled together.

    kernel_first: bool, as of `product_of_few_rows`.
    """

    def __init__(self, model: GPT2, kernel_first: tf.Tensor | bool = False) -> None:
        self.config = model.config
        self._product = partial(product_of_few_rows, kernel_first=tf.identity(kernel_first))
        self._of_few_rows = Operations(multiply=self._product)
        self._weights = model.weights()
        self._block = tf.function(block, autograph=False)

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
            tokens = ids[tf.newaxis, start : start + size]
            hidden, cache = self._pass(tokens, start, width, before[1])
            return hidden[0, length - 1 - start], _with_slots(cache, slots)

        dtype = self._weights["model/wte"].dtype
        # a constant would give the first row's past a shape that the others' are not known to have
        slots = tf.raw_ops.PlaceholderWithDefault(input=slots, shape=[])
        empty = [tf.zeros([1, self.config.heads, slots, self.config.head_width], dtype)]
        layers = empty * self.config.layers
        nothing = tf.zeros([self.config.width], dtype), Cache(layers, list(layers))
        rows = (*prompts, starts, sizes)
        hidden, cache = tf.scan(of_row, rows, nothing, parallel_iterations=1)
        return hidden, cache.map(lambda layer: tf.squeeze(layer, 1))

    def prefill_together(self, prompts: Prompts, slots: tf.Tensor | int) -> tuple[tf.Tensor, Cache]:
        """As `prefill_apart`, in one pass over all rows."""
        hidden, cache = self._pass(prompts.ids, 0, tf.shape(prompts.ids)[1], None)
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
            operations=self._of_few_rows,
            run_block=self._block,
        )
        return self._logits(hidden[:, 0]), cache

    def _pass(
        self, ids: tf.Tensor, start: tf.Tensor | int, width: tf.Tensor, past: Cache | None
    ) -> tuple[tf.Tensor, Cache]:
        """Hidden vectors [B, L, W] of tokens [B, L] whose first has position `start`, and a cache of `width` slots.

        past: of at least as many slots, of which those before `start` are read; None where there are none.
        """
        length = tf.shape(ids)[1]
        positions = start + tf.range(length)
        seen = tf.range(width) <= positions[:, tf.newaxis]  # [L, S]
        parts = None
        if past is not None:
            after = tf.shape(past.keys[0])[2] - width
            parts = tf.stack([start, length, width - start - length, after])
        return transformer(
            self._weights,
            self.config,
            ids,
            positions[tf.newaxis],
            seen[tf.newaxis, tf.newaxis],
            past=past,
            slot=parts,
            operations=_OF_PROMPTS,
            run_block=self._block,
        )

    def _logits(self, hidden: tf.Tensor) -> tf.Tensor:
        """Logits float32 [R, V] of hidden vectors [R, W]."""
        return tf.cast(self._product(hidden, self._weights["model/wte"]), tf.float32)


def _write_between(old: tf.Tensor, new: tf.Tensor, parts: tf.Tensor) -> tf.Tensor:
    """A cache [B, H, S, D] in four parts of so many slots, int32 [4]: new is the second, the last one goes."""
    before, _, after, _ = tf.split(old, parts, axis=2, num=4)
    return tf.concat([before, new, after], axis=2)


_OF_PROMPTS = Operations(write_slots=_write_between)


def _with_slots(cache: Cache, slots: tf.Tensor | int) -> Cache:
    """A cache of rows with as many slots."""
    room = [[0, 0], [0, 0], [0, slots - tf.shape(cache.keys[0])[2]], [0, 0]]
    return cache.map(lambda layer: tf.pad(layer, room))
