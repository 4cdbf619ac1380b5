"""Texts that are being written side by side, as a value: started, stepped, joined, and let go.

`generate`, streaming and continuous batching all take `step`, and get the same bits. A row is a text;
nothing of a row depends on another, so that rows may join and leave between any two steps.
"""

from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf

from trainer.few_rows import MOST_ROWS
from trainer.generation.cached_model import CachedModel
from trainer.generation.prompts import Prompts
from trainer.generation.request import Request
from trainer.generation.stop_strings import holds_any
from trainer.gpt2 import Cache
from trainer.sampling import penalise_repetition, sample, tokens_of, uniforms


class DecodeState(NamedTuple):
    """R rows, of which each has written at least one token.

    tokens: int32 [R], the newest token, the end of text of a row that is done; logits: float32
        [R, V], of which it was drawn. slots: int32 [R], where in the cache it goes.
    written: int32 [R], tokens so far; texts: string [R], their bytes.
    limits: int32 [R], the most tokens. finished: bool [R], whether the end of text or a stop string
        was met.
    seen: bool [R, V], tokens of prompt and text. uniform: float32 [R, T], the number of each draw.
    temperature, top_p, repetition_penalty: float32 [R]; top_k: int32 [R].
    stop: string [s]; stopped_by: bool [R, s], which of them end a row.
    cache: [R, H, S, D] each.
    """

    tokens: tf.Tensor
    logits: tf.Tensor
    slots: tf.Tensor
    written: tf.Tensor
    texts: tf.Tensor
    limits: tf.Tensor
    finished: tf.Tensor
    seen: tf.Tensor
    uniform: tf.Tensor
    temperature: tf.Tensor
    top_k: tf.Tensor
    top_p: tf.Tensor
    repetition_penalty: tf.Tensor
    stop: tf.Tensor
    stopped_by: tf.Tensor
    cache: Cache

    @property
    def running(self) -> tf.Tensor:
        """Which rows go on: bool [R]."""
        return ~self.finished & (self.written < self.limits)


class Writer(NamedTuple):
    """What writes: the model, and what its tokens mean.

    token_bytes: string [V]. end_of_text: the id that ends a text.
    """

    model: CachedModel
    token_bytes: tf.Tensor
    end_of_text: int

    def start(
        self, prompts: Prompts, seeds: tf.Tensor, steps: tf.Tensor, request: Request
    ) -> DecodeState:
        """A state of one row for each of n prompts, with its first token.

        seeds: int64 [n, 2]. steps: the most tokens of a row, in place of the request's.
        """
        count, stop = tf.shape(prompts.lengths)[0], tf.convert_to_tensor(request.stop, tf.string)
        # the last token is drawn and never fed
        slots = tf.shape(prompts.ids)[1] + steps - 1
        logits, cache = self.model.prefill(prompts, slots)

        def for_all(value: tf.Tensor | float, dtype: tf.DType) -> tf.Tensor:
            return tf.fill([count], tf.cast(value, dtype))

        nothing = DecodeState(
            tokens=for_all(self.end_of_text, tf.int32),
            logits=logits,
            slots=prompts.lengths - 1,
            written=for_all(0, tf.int32),
            texts=tf.fill([count], ""),
            limits=for_all(steps, tf.int32),
            finished=tf.fill([count], False),
            seen=tokens_of(prompts.ids, prompts.lengths, self.model.config.vocabulary_size),
            uniform=uniforms(seeds, steps),
            temperature=for_all(request.temperature, tf.float32),
            top_k=for_all(request.top_k, tf.int32),
            top_p=for_all(request.top_p, tf.float32),
            repetition_penalty=for_all(request.repetition_penalty, tf.float32),
            stop=stop,
            stopped_by=tf.fill([count, tf.size(stop)], True),
            cache=cache,
        )
        return self._drawn(nothing)

    def step(self, state: DecodeState) -> DecodeState:
        """The state with one more token of each row that goes on.

        The memory of the cache that was given holds the new one, and the old state is no more.
        """
        logits, cache = self.model.decode(state.tokens, state.slots, state.cache)
        return self._drawn(state._replace(logits=logits, cache=cache))

    def _drawn(self, state: DecodeState) -> DecodeState:
        """The state with a token of its logits."""
        running, more = state.running, tf.cast(state.running, tf.int32)
        last = tf.shape(state.uniform)[1] - 1
        number = tf.gather(state.uniform, tf.minimum(state.written, last), batch_dims=1)
        logits = penalise_repetition(state.logits, state.seen, state.repetition_penalty)
        drawn = sample(logits, number, state.temperature, state.top_k, state.top_p)
        tokens = tf.where(running, drawn, self.end_of_text)
        texts = state.texts + tf.where(running, tf.gather(self.token_bytes, tokens), "")
        met = (tokens == self.end_of_text) | holds_any(texts, state.stop, state.stopped_by)
        return state._replace(
            tokens=tokens,
            slots=state.slots + more,
            written=state.written + more,
            texts=texts,
            finished=state.finished | (running & met),
            seen=state.seen | tf.one_hot(tokens, tf.shape(state.seen)[1], True, False),
        )


def of_few_rows(values: tf.Tensor) -> tf.Tensor:
    """Values of the rows of a state, [R]; an error of TensorFlow's where there are more than MOST_ROWS.

    Beyond, the rows' bits would depend on each other.
    """
    most = tf.debugging.assert_less_equal(
        tf.size(values), MOST_ROWS, f"a state has at most {MOST_ROWS} rows"
    )
    with tf.control_dependencies([most] if most is not None else []):
        return tf.identity(values)


def joined(first: DecodeState, second: DecodeState) -> DecodeState:
    """The rows of both, at most MOST_ROWS."""
    strings = [tf.size(first.stop), tf.size(second.stop)]
    numbers = tf.maximum(tf.shape(first.uniform)[1], tf.shape(second.uniform)[1])
    slots = tf.maximum(*(tf.shape(state.cache.keys[0])[2] for state in (first, second)))
    alike = [
        state._replace(
            uniform=_widened(state.uniform, 1, numbers),
            stop=tf.concat([first.stop, second.stop], axis=0),
            stopped_by=tf.pad(state.stopped_by, [[0, 0], around]),
            cache=state.cache.map(lambda layer: _widened(layer, 2, slots)),
        )
        for state, around in ((first, [0, strings[1]]), (second, [strings[0], 0]))
    ]
    both = _of_rows(lambda one, other: tf.concat([one, other], axis=0), *alike)
    return both._replace(tokens=of_few_rows(both.tokens))


def kept(state: DecodeState, rows: tf.Tensor) -> DecodeState:
    """The rows of these numbers, int32 [r], in this order."""
    few = _of_rows(lambda value: tf.gather(value, rows), state)
    used = tf.reduce_any(few.stopped_by, axis=0)
    return few._replace(
        stop=tf.boolean_mask(few.stop, used),
        stopped_by=tf.boolean_mask(few.stopped_by, used, axis=1),
    )


def _of_rows(function: Callable[..., tf.Tensor], *states: DecodeState) -> DecodeState:
    """A state whose fields are a function of those of states; that of the strings is the first's."""
    changed = tf.nest.map_structure(function, *(state._replace(stop=()) for state in states))
    return changed._replace(stop=states[0].stop)


def _widened(value: tf.Tensor, axis: int, size: tf.Tensor) -> tf.Tensor:
    """A tensor with zeros at the end of one axis, so that it has a size."""
    paddings = [[0, 0] for _ in value.shape]
    paddings[axis][1] = size - tf.shape(value)[axis]
    return tf.pad(value, paddings)
