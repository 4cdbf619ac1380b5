"""Beam search for one prompt: the most probable text that a beam of hypotheses finds."""

from typing import NamedTuple

import tensorflow as tf

from trainer.generation.decode_state import Writer
from trainer.generation.prompts import Prompts
from trainer.generation.request import Request
from trainer.generation.stop_strings import holds_any
from trainer.gpt2 import Cache
from trainer.sampling import penalise_repetition, tokens_of


class _Beam(NamedTuple):
    """B running hypotheses, the best first: log-probabilities float32 [B] (minus infinity where
    there is none), ids int32 [B, T], texts string [B], seen bool [B, V]."""

    scores: tf.Tensor
    ids: tf.Tensor
    texts: tf.Tensor
    seen: tf.Tensor


class _Best(NamedTuple):
    """The best finished hypothesis: its normalised score (a scalar) and ids int32 [T]."""

    score: tf.Tensor
    ids: tf.Tensor


def search(
    writer: Writer, prompt: Prompts, steps: tf.Tensor, request: Request
) -> tuple[tf.Tensor, tf.Tensor]:
    """Ids int32 [1, T] and finished bool [1] of the best hypothesis for one prompt.

    A hypothesis' score is its log-probability divided by n ** length_penalty, n its new tokens with
    the end of text (Wu et al. 2016 without the constants; 0 prefers short texts, above 1 long ones).
    Of the 2 B best continuations of a step those that end are candidates for the answer, and the B
    best of the others go on. The search ends when no running hypothesis can beat the best one.
    """
    # a constant would give the loop's first tensors a shape that the later ones are not known to have
    beams = tf.raw_ops.PlaceholderWithDefault(input=tf.cast(request.beams, tf.int32), shape=[])
    model, end_of_text = writer.model, writer.end_of_text
    size = model.config.vocabulary_size
    length = prompt.lengths[0]

    def normalised(scores: tf.Tensor, tokens: tf.Tensor) -> tf.Tensor:
        return scores / tf.cast(tokens, tf.float32) ** request.length_penalty

    def grow(
        step: tf.Tensor, logits: tf.Tensor, beam: _Beam, best: _Best
    ) -> tuple[_Beam, _Best, tf.Tensor]:
        """The beam after the token of this step, and the rows that its hypotheses come from."""
        logits = penalise_repetition(logits, beam.seen, request.repetition_penalty)
        scores = beam.scores[:, tf.newaxis] + tf.nn.log_softmax(logits)  # [B, V]
        scores, flat = tf.math.top_k(tf.reshape(scores, [-1]), 2 * beams)
        sources, tokens = flat // size, flat % size  # [2B]
        texts = tf.gather(beam.texts, sources) + tf.gather(writer.token_bytes, tokens)
        ended = (tokens == end_of_text) | holds_any(texts, request.stop)
        ids = tf.gather(beam.ids, sources)
        ids = tf.where(tf.range(steps) == step, tokens[:, tf.newaxis], ids)

        candidates = tf.where(ended, normalised(scores, step + 1), -float("inf"))
        first = tf.argmax(candidates)
        better = candidates[first] > best.score
        best = _Best(
            tf.where(better, candidates[first], best.score), tf.where(better, ids[first], best.ids)
        )
        going_on, kept = tf.math.top_k(tf.where(ended, -float("inf"), scores), beams)
        sources, tokens = tf.gather(sources, kept), tf.gather(tokens, kept)
        seen = tf.gather(beam.seen, sources) | tf.one_hot(tokens, size, True, False)
        grown = _Beam(going_on, tf.gather(ids, kept), tf.gather(texts, kept), seen)
        return grown, best, sources

    def running(step: tf.Tensor, beam: _Beam, best: _Best, cache: Cache) -> tf.Tensor:
        del cache
        # log-probabilities only fall, so the bound is that of the length that divides best
        longest, next_one = (normalised(beam.scores[0], n) for n in (steps, step + 1))
        return (step < steps) & (tf.maximum(longest, next_one) > best.score)

    def advance(
        step: tf.Tensor, beam: _Beam, best: _Best, cache: Cache
    ) -> tuple[tf.Tensor, _Beam, _Best, Cache]:
        slots = tf.fill([beams], length + step - 1)
        logits, cache = model.decode(beam.ids[:, step - 1], slots, cache)
        beam, best, sources = grow(step, logits, beam, best)
        return step + 1, beam, best, cache.map(lambda layer: tf.gather(layer, sources))

    logits, cache = model.prefill(prompt, tf.shape(prompt.ids)[1] + steps - 1)
    nothing = _Beam(
        scores=tf.where(tf.range(beams) == 0, 0.0, -float("inf")),
        ids=tf.fill([beams, steps], end_of_text),
        texts=tf.fill([beams], ""),
        seen=tf.repeat(tokens_of(prompt.ids, prompt.lengths, size), beams, axis=0),
    )
    none = _Best(tf.constant(-float("inf")), tf.fill([steps], end_of_text))
    every = tf.zeros([beams], tf.int32)
    beam, best, _ = grow(tf.constant(0), tf.gather(logits, every), nothing, none)
    start = (tf.constant(1), beam, best, cache.map(lambda layer: tf.gather(layer, every)))
    step, beam, best, _ = tf.while_loop(running, advance, start, parallel_iterations=1)
    unfinished = (step == steps) & (normalised(beam.scores[0], steps) > best.score)
    ids = tf.where(unfinished, beam.ids[0], best.ids)
    return ids[tf.newaxis], ~unfinished[tf.newaxis]
