"""Sampling the continuations of a group of prompts of one length bucket."""

from typing import NamedTuple

import tensorflow as tf

from trainer.generation.cached_model import CachedModel
from trainer.generation.prompts import Prompts
from trainer.generation.request import Request
from trainer.generation.stop_strings import holds_any
from trainer.gpt2 import Cache
from trainer.sampling import penalise_repetition, sample, tokens_of


class _Written(NamedTuple):
    """What n rows have written: ids int32 [n, T], texts string [n], seen bool [n, V] (the tokens of
    prompt and text), finished bool [n]."""

    ids: tf.Tensor
    texts: tf.Tensor
    seen: tf.Tensor
    finished: tf.Tensor


def sample_group(
    model: CachedModel,
    prompts: Prompts,
    uniform: tf.Tensor,
    request: Request,
    token_bytes: tf.Tensor,
    end_of_text: int,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Ids int32 [n, T] and finished bool [n] of n prompts, at most MOST_ROWS.

    uniform: float32 [n, T], the number that each draw uses. token_bytes: string [V].
    Stops at the first step that finds every row finished.
    """
    count, steps = tf.shape(uniform)[0], tf.shape(uniform)[1]
    prompt_slots = tf.shape(prompts.ids)[1]
    # the last token is drawn and never fed
    logits, cache = model.prefill(prompts, steps - 1)

    def write(step: tf.Tensor, logits: tf.Tensor, written: _Written) -> _Written:
        logits = penalise_repetition(logits, written.seen, request.repetition_penalty)
        drawn = sample(logits, uniform[:, step], request.temperature, request.top_k, request.top_p)
        token = tf.where(written.finished, end_of_text, drawn)
        token = tf.ensure_shape(token, written.finished.shape)  # known, as a loop needs it
        texts = written.texts + tf.gather(token_bytes, token)
        ended = (token == end_of_text) | holds_any(texts, request.stop)
        return _Written(
            write_column(written.ids, step, token),
            texts,
            written.seen | tf.one_hot(token, model.config.vocabulary_size, True, False),
            written.finished | ended,
        )

    def running(step: tf.Tensor, written: _Written, cache: Cache) -> tf.Tensor:
        del cache
        return (step < steps) & ~tf.reduce_all(written.finished)

    def advance(
        step: tf.Tensor, written: _Written, cache: Cache
    ) -> tuple[tf.Tensor, _Written, Cache]:
        # the token of the step before is fed, and the token of this step drawn
        logits, cache = model.decode(
            written.ids[:, step - 1], prompts.lengths + step - 1, prompt_slots + step - 1, cache
        )
        return step + 1, write(step, logits, written), cache

    nothing = _Written(
        ids=tf.fill([count, steps], end_of_text),
        texts=tf.fill([count], ""),
        seen=tokens_of(prompts.ids, prompts.lengths, model.config.vocabulary_size),
        finished=tf.zeros([count], tf.bool),
    )
    start = (tf.constant(1), write(tf.constant(0), logits, nothing), cache)
    _, written, _ = tf.while_loop(running, advance, start, parallel_iterations=1)
    return written.ids, written.finished


def write_column(ids: tf.Tensor, column: tf.Tensor, values: tf.Tensor) -> tf.Tensor:
    """The ids [R, T] with values [R] in one column."""
    here = tf.range(tf.shape(ids)[1]) == column
    return tf.where(here, values[:, tf.newaxis], ids)
