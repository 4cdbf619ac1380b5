"""Sampling the continuations of prompts on a GPU: all rows at once, some tokens in each compiled program.

A GPU is kept waiting by operations that are started one by one. Here XLA compiles a pass over the
prompts, and one of `STRETCH` tokens; between stretches the host looks for stop strings and whether all
rows are finished. A row's numbers may round otherwise beside other rows.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import tensorflow as tf
from tensorflow.compiler.tf2xla.ops import gen_xla_ops

from trainer.block_function import BlockFunction
from trainer.config import GPT2Config
from trainer.generation.prompts import Prompts
from trainer.generation.request import Request
from trainer.generation.stop_strings import holds_any
from trainer.gpt2 import Cache, Weights, causal_mask, logits, transformer
from trainer.operations import Operations, attend
from trainer.output_layer import COLUMNS_ON_GPU, in_whole_columns, of_vocabulary
from trainer.sampling import ON_GPU, draw_filtered, greedy, penalised, tokens_of

MOST_ROWS_TOGETHER = 64
_WTE = "model/wte"
_QUERIES = 8  # the fewest rows of a product for which cuBLAS has kernels of its own
STRETCH = 16  # tokens; those that nobody asked for are thrown away


class _State(NamedTuple):
    """Where R rows are: the last token int32 [R], which tokens a row has (bool [R, V]), and the cache."""

    token: tf.Tensor
    seen: tf.Tensor
    cache: Cache


class _Settings(NamedTuple):
    """The scalars of a `Request` that a draw depends on."""

    temperature: tf.Tensor
    top_k: tf.Tensor
    top_p: tf.Tensor
    repetition_penalty: tf.Tensor


def sample_together(
    weights: Weights,
    config: GPT2Config,
    prompts: Prompts,
    uniform: tf.Tensor,
    request: Request,
    token_bytes: tf.Tensor,
    end_of_text: int,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Ids int32 [R, T] and finished bool [R] of any number of prompts; uniform: float32 [R, T]."""
    steps = tf.shape(uniform)[1]
    settings = _Settings(
        tf.convert_to_tensor(request.temperature, tf.float32),
        tf.convert_to_tensor(request.top_k, tf.int32),
        tf.convert_to_tensor(request.top_p, tf.float32),
        tf.convert_to_tensor(request.repetition_penalty, tf.float32),
    )
    stretches = -(-(steps - 1) // STRETCH)
    uniform = tf.pad(uniform, [[0, 0], [0, stretches * STRETCH + 1 - steps]])
    weights = {**weights, _WTE: in_whole_columns(weights[_WTE], COLUMNS_ON_GPU)}
    model = _Programs(config)
    scores, seen, cache = model.prefill(weights, prompts, stretches * STRETCH)
    token = model.draw(settings, uniform[:, 0], scores, seen)
    state = _State(token, _with_token(seen, token), cache)
    text = _Text(
        ids=state.token[:, tf.newaxis],
        texts=tf.fill(tf.shape(prompts.lengths), ""),
        finished=tf.zeros_like(prompts.lengths, tf.bool),
    )
    text = _read(text._replace(ids=text.ids[:, :0]), text.ids, request, token_bytes, end_of_text)

    def running(number: tf.Tensor, text: _Text, state: _State) -> tf.Tensor:
        del state
        return (number < stretches) & ~tf.reduce_all(text.finished)

    def go_on(number: tf.Tensor, text: _Text, state: _State) -> tuple[tf.Tensor, _Text, _State]:
        done = number * STRETCH
        numbers = uniform[:, done + 1 : done + 1 + STRETCH]
        slot = tf.shape(prompts.ids)[1] + done
        ids, state = model.stretch(settings, numbers, weights, state, prompts.lengths + done, slot)
        return number + 1, _read(text, ids, request, token_bytes, end_of_text), state

    start = (tf.constant(0), text, state)
    shapes = tf.nest.map_structure(lambda tensor: tensor.shape, start)
    shapes = (shapes[0], shapes[1]._replace(ids=tf.TensorShape([None, None])), shapes[2])
    _, text, _ = tf.while_loop(
        running, go_on, start, shape_invariants=shapes, parallel_iterations=1
    )
    lacking = tf.maximum(steps - tf.shape(text.ids)[1], 0)
    ids = tf.pad(text.ids, [[0, 0], [0, lacking]], constant_values=end_of_text)
    return ids[:, :steps], text.finished


def _ending_together(prompts: Prompts) -> Prompts:
    """The prompts moved to the last of their slots, so that all rows write at one slot."""
    width = tf.shape(prompts.ids)[1]
    source = tf.range(width) - (width - prompts.lengths[:, tf.newaxis])  # negative at the padding
    ids = tf.gather(prompts.ids, tf.maximum(source, 0), batch_dims=1)
    return prompts._replace(ids=tf.where(source >= 0, ids, 0))


class _Text(NamedTuple):
    """What was written: ids int32 [R, t], texts string [R], finished bool [R]."""

    ids: tf.Tensor
    texts: tf.Tensor
    finished: tf.Tensor


def _read(
    text: _Text, ids: tf.Tensor, request: Request, token_bytes: tf.Tensor, end_of_text: int
) -> _Text:
    """The text with tokens int32 [R, t] behind it, each row up to where it is finished."""

    def read_one(
        place: tf.Tensor, ids: tf.Tensor, texts: tf.Tensor, finished: tf.Tensor
    ) -> tuple[tf.Tensor, ...]:
        token = tf.where(finished, end_of_text, ids[:, place])
        texts += tf.gather(token_bytes, token)
        finished |= (token == end_of_text) | holds_any(texts, request.stop)
        ids = tf.where(tf.range(tf.shape(ids)[1]) == place, token[:, tf.newaxis], ids)
        return place + 1, ids, texts, finished

    def one_by_one() -> tuple[tf.Tensor, ...]:
        count = tf.shape(ids)[1]
        start = (tf.constant(0), ids, text.texts, text.finished)
        return tf.while_loop(lambda place, *_: place < count, read_one, start)[1:]

    def at_once() -> tuple[tf.Tensor, ...]:
        """Without stop strings a row ends with the end of text alone."""
        ends = tf.cast((ids == end_of_text) | text.finished[:, tf.newaxis], tf.int32)
        ended = tf.cumsum(ends, axis=1) > 0
        finished = text.finished | tf.reduce_any(ended, axis=1)
        return tf.where(ended, end_of_text, ids), text.texts, finished

    new, texts, finished = tf.cond(tf.size(request.stop) > 0, one_by_one, at_once)
    return _Text(tf.concat([text.ids, new], axis=1), texts, finished)


class _Programs:
    """What XLA compiles, each for the shapes that it meets."""

    def __init__(self, config: GPT2Config) -> None:
        self._config = config
        self._operations = Operations(attend=_attend, write_slots=_write_slots)
        self._block = BlockFunction()
        self.prefill = _compiled(self._prefill)
        self.draw = _with_and_without_top_k(_drawn)
        self.stretch = _with_and_without_top_k(self._stretch)

    def _prefill(
        self, weights: Weights, prompts: Prompts, new_slots: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor, Cache]:
        """The logits [R, V] of each prompt's next token, which tokens it has, bool [R, V], and the cache
        with room for new_slots."""
        seen = tokens_of(prompts.ids, prompts.lengths, weights[_WTE].shape[0])
        prompts = _ending_together(prompts)
        slots = tf.range(tf.shape(prompts.ids)[1])
        positions = slots - (tf.size(slots) - prompts.lengths)[:, tf.newaxis]  # negative at padding
        mask = causal_mask(tf.cast(positions >= 0, tf.int32))
        hidden, cache = self._transformer(weights, prompts.ids, tf.maximum(positions, 0), mask)
        room = [[0, 0], [0, 0], [0, new_slots], [0, 0]]
        cache = cache.map(lambda layer: tf.pad(layer, room))
        return self._logits(weights, hidden[:, -1]), seen, cache

    def _stretch(
        self,
        filters_top_k: bool,
        settings: _Settings,
        uniform: tf.Tensor,
        weights: Weights,
        state: _State,
        positions: tf.Tensor,
        slot: tf.Tensor,
    ) -> tuple[tf.Tensor, _State]:
        """The next tokens int32 [R, STRETCH], and where the rows are then.

        uniform: [R, STRETCH]; positions: int32 [R], of the last token in its text; slot: where it goes.
        """

        def one(
            number: tf.Tensor, ids: tf.Tensor, state: _State
        ) -> tuple[tf.Tensor, tf.Tensor, _State]:
            here = slot + number
            first = (slot - positions)[:, tf.newaxis]  # [R, 1]
            slots = tf.range(tf.shape(state.cache.keys[0])[2])
            mask = (first <= slots) & (slots <= here)  # [R, S]
            hidden, cache = self._transformer(
                weights,
                state.token[:, tf.newaxis],
                (positions + number)[:, tf.newaxis],
                mask[:, tf.newaxis, tf.newaxis],
                past=state.cache,
                slot=here,
            )
            scores = self._logits(weights, hidden[:, 0])
            token = _drawn(filters_top_k, settings, uniform[:, number], scores, state.seen)
            ids = tf.where(tf.range(STRETCH) == number, token[:, tf.newaxis], ids)
            return number + 1, ids, _State(token, _with_token(state.seen, token), cache)

        start = (tf.constant(0), tf.zeros([tf.size(positions), STRETCH], tf.int32), state)
        return tf.while_loop(lambda number, *_: number < STRETCH, one, start)[1:]

    def _logits(self, weights: Weights, hidden: tf.Tensor) -> tf.Tensor:
        """Logits [R, V] of hidden vectors [R, W], the lowest number for ids beyond the vocabulary."""
        return of_vocabulary(logits(weights, hidden), self._config.vocabulary_size)

    def _transformer(
        self, weights: Weights, *arguments: tf.Tensor, **options: Any
    ) -> tuple[tf.Tensor, Cache]:
        return transformer(
            weights,
            self._config,
            *arguments,
            operations=self._operations,
            run_block=self._block,
            **options,
        )


def _compiled(function: Callable) -> Callable:
    return tf.function(function, autograph=False, jit_compile=True)


def _with_and_without_top_k(function: Callable) -> Callable:
    """A function of whether top-k is not off, of settings and more, as two programs.

    Hardly anybody asks for top-k, which takes passes.
    """
    off, on = (_compiled(partial(function, filters_top_k)) for filters_top_k in (False, True))

    def chosen(settings: _Settings, *given: Any) -> Any:
        return tf.cond(
            settings.top_k > 0, lambda: on(settings, *given), lambda: off(settings, *given)
        )

    return chosen


def _drawn(
    filters_top_k: bool,
    settings: _Settings,
    uniform: tf.Tensor,
    scores: tf.Tensor,
    seen: tf.Tensor,
) -> tf.Tensor:
    """The next token int32 [R] of logits [R, V]; seen: bool [R, V]; uniform: float32 [R]."""
    wide = penalised(tf.cast(scores, tf.float32), seen, settings.repetition_penalty)
    is_drawn = settings.temperature > 0
    temperature = tf.where(is_drawn, settings.temperature, 1.0)

    def for_all(value: tf.Tensor) -> tf.Tensor:
        return tf.fill([tf.shape(wide)[0]], value)

    top_k = for_all(settings.top_k) if filters_top_k else None
    of_rows = (for_all(temperature), top_k, for_all(settings.top_p))
    return tf.where(is_drawn, draw_filtered(wide, uniform, *of_rows, ON_GPU), greedy(wide))


def _with_token(seen: tf.Tensor, token: tf.Tensor) -> tf.Tensor:
    """Which tokens the rows have, bool [R, V], with one more each."""
    return seen | tf.one_hot(token, tf.shape(seen)[1], True, False)


def _attend(
    query: tf.Tensor,
    key: tf.Tensor,
    value: tf.Tensor,
    mask: tf.Tensor,
    operations: Operations,
    place: tf.Tensor | int,
) -> tf.Tensor:
    """As `trainer.operations.attend`: one query with others of zeros beside it.

    Of products with a single row XLA makes sums, which read keys and values at a third of the rate.
    """
    if query.shape[2] != 1:
        return attend(query, key, value, mask, operations, place)
    queries = tf.pad(query, [[0, 0], [0, 0], [0, _QUERIES - 1], [0, 0]])
    return attend(queries, key, value, mask, operations, place)[:, :, :1]


def _write_slots(old: tf.Tensor, new: tf.Tensor, slot: tf.Tensor) -> tf.Tensor:
    """As `trainer.operations.write_slots`, in place in a compiled loop."""
    return gen_xla_ops.xla_dynamic_update_slice(old, new, tf.stack([0, 0, slot, 0]))
