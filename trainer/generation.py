"""Generating text with cached keys and values: one pass over the prompts, then a token at a time.

Prompts of unequal length stand side by side with padding to their left, so that every row writes
its next token at the same slot:

    slot          0  1  2  3 | 4  5
    row 0         .  .  a  b | c  d        (. is padding, | the end of the prompts)
    positions     0  0  0  1 | 2  3
    row 1         e  f  g  h | i  j
    positions     0  1  2  3 | 4  5
"""

from typing import NamedTuple

import tensorflow as tf

from trainer.gpt2 import GPT2, Cache, causal_mask, logits, transformer
from trainer.sampling import sample, uniforms


class Generated(NamedTuple):
    """What was generated for B prompts.

    ids: int32 [B, T]; a row's ids after its count are end of text.
    counts: int32 [B], tokens before the end of text.
    finished: bool [B], whether the end of text was met.
    """

    ids: tf.Tensor
    counts: tf.Tensor
    finished: tf.Tensor


class Prompts(NamedTuple):
    """Prompts side by side, P slots long, int32 [B, P]; `present` is 0 at the padding, else 1."""

    ids: tf.Tensor
    positions: tf.Tensor
    present: tf.Tensor


def generate(
    model: GPT2,
    prompts: tf.RaggedTensor,
    *,
    max_new_tokens: tf.Tensor | int,
    temperature: tf.Tensor | float,
    top_k: tf.Tensor | int,
    top_p: tf.Tensor | float,
    seeds: tf.Tensor,
    end_of_text: int,
) -> Generated:
    """Continue each prompt until the end of text or max_new_tokens; made for a tf.function.

    prompts: int32 ragged [B, None]. An empty one starts from the end of text; one that is longer
        than the context less max_new_tokens loses its beginning.
    max_new_tokens: at least 1; at most the context less one is generated, so that a prompt token
    fits.
    temperature, top_k, top_p: as `sampling.sample` has them.
    seeds: int64 [B, 2], the random stream of each row.
    """
    config = model.config
    steps = tf.clip_by_value(tf.convert_to_tensor(max_new_tokens, tf.int32), 1, config.context - 1)
    room = config.context - steps
    side_by_side = pad_left(cut_left(prompts, room, end_of_text))
    uniform = uniforms(seeds, steps)  # [B, T]
    weights = model.weights()

    def choose(row_logits: tf.Tensor, step: tf.Tensor) -> tf.Tensor:
        return sample(row_logits, uniform[:, step], temperature, top_k, top_p)

    # prefill: the prompts at once; only the logits of their last token are needed
    mask = causal_mask(side_by_side.present)
    hidden, cache = transformer(weights, config, side_by_side.ids, side_by_side.positions, mask)
    cache = widen(cache, steps - 1)  # the last token is drawn and never fed
    first = choose(logits(weights, hidden[:, -1]), tf.constant(0))

    prompt_slots = tf.shape(side_by_side.ids)[1]
    lengths = tf.reduce_sum(side_by_side.present, axis=1)  # [B]
    visible = tf.concat(
        [side_by_side.present > 0, tf.ones([tf.shape(lengths)[0], steps - 1], tf.bool)], axis=1
    )  # [B, S]
    slots = tf.range(prompt_slots + steps - 1)

    def running(step: tf.Tensor, ids: tf.Tensor, finished: tf.Tensor, cache: Cache) -> tf.Tensor:
        del ids, cache
        return (step < steps) & ~tf.reduce_all(finished)

    def advance(
        step: tf.Tensor, ids: tf.Tensor, finished: tf.Tensor, cache: Cache
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor, Cache]:
        # the token of the step before is fed, and the token of this step drawn
        slot = prompt_slots + step - 1
        positions = (lengths + step - 1)[:, tf.newaxis]  # [B, 1]
        mask = (visible & (slots <= slot))[:, tf.newaxis, tf.newaxis]  # [B, 1, 1, S]
        hidden, cache = transformer(
            weights, config, ids[:, step - 1, tf.newaxis], positions, mask, past=cache, slot=slot
        )
        token = choose(logits(weights, hidden[:, -1]), step)
        token = tf.where(finished, end_of_text, token)
        ids = write_column(ids, step, token)
        return step + 1, ids, finished | (token == end_of_text), cache

    blank = tf.fill([tf.shape(first)[0], steps], end_of_text)
    start = (
        tf.constant(1),
        write_column(blank, tf.constant(0), first),
        first == end_of_text,
        cache,
    )
    _, ids, finished, _ = tf.while_loop(running, advance, start)
    counts = tf.reduce_sum(tf.cast(ids != end_of_text, tf.int32), axis=1)
    return Generated(ids, counts, finished)


def cut_left(prompts: tf.RaggedTensor, room: tf.Tensor | int, end_of_text: int) -> tf.RaggedTensor:
    """The last `room` tokens of each prompt, and the end of text where there is none."""
    empty = tf.cast(prompts.row_lengths() == 0, tf.int64)
    start = tf.RaggedTensor.from_row_lengths(
        tf.fill([tf.reduce_sum(empty)], tf.cast(end_of_text, prompts.dtype)), empty
    )
    return tf.concat([start, prompts[:, -room:]], axis=1)


def pad_left(prompts: tf.RaggedTensor) -> Prompts:
    """Prompts of unequal length side by side, ending at the same slot."""
    lengths = tf.cast(prompts.row_lengths(), tf.int32)[:, tf.newaxis]  # [B, 1]
    padded = tf.cast(prompts.to_tensor(), tf.int32)  # padding to the right, [B, P]
    width = tf.shape(padded)[1]
    positions = tf.range(width) - (width - lengths)  # negative at the padding to the left
    inside = tf.maximum(positions, 0)
    present = tf.cast(positions >= 0, tf.int32)
    return Prompts(tf.gather(padded, inside, batch_dims=1) * present, inside, present)


def widen(cache: Cache, slots: tf.Tensor | int) -> Cache:
    """A cache with so many empty slots after its own."""
    paddings = [[0, 0], [0, 0], [0, slots], [0, 0]]
    return Cache(
        [tf.pad(key, paddings) for key in cache.keys],
        [tf.pad(value, paddings) for value in cache.values],
    )


def write_column(ids: tf.Tensor, column: tf.Tensor, values: tf.Tensor) -> tf.Tensor:
    """The ids [B, T] with values [B] in one column."""
    here = tf.range(tf.shape(ids)[1]) == column
    return tf.where(here, values[:, tf.newaxis], ids)
