"""Sampling the continuations of prompts on a GPU: all rows at once, some tokens in each compiled program.

A GPU is kept waiting by operations that are started one by one. Here XLA compiles a pass over the
prompts, and one of `STRETCH` tokens; between stretches the host looks for stop strings and whether all
rows are finished. A row's numbers may round otherwise beside other rows.

XLA compiles for every shape that it meets, half a minute for 124M. So there are few: rows and the slots
of prompts are powers of two.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
from tensorflow.compiler.tf2xla.ops import gen_xla_ops

from trainer.config import GPT2Config
from trainer.generation.request import Request
from trainer.gpt2 import GPT2, Cache, Weights, block, causal_mask, logits, transformer
from trainer.operations import Dropout, Operations, attend
from trainer.output_layer import COLUMNS_ON_GPU, in_whole_columns, of_vocabulary
from trainer.sampling import ON_GPU, draw_filtered, greedy, penalised, uniforms

LEAST_ROWS_TOGETHER, MOST_ROWS_TOGETHER = 16, 64
STRETCH = 16  # tokens; those that nobody asked for are thrown away
LEAST_WIDTH = 64  # slots
_CACHE_BYTES = 4 * 1024**3  # a stretch reads as many and writes as many
_WTE = "model/wte"
_QUERIES = 8  # the fewest rows of a product for which cuBLAS has kernels of its own


@dataclass
class Written:
    """What is written behind a prompt: ids and their bytes; whether the end of text or a stop string was met."""

    ids: list[int] = field(default_factory=list)
    text: bytes = b""
    finished: bool = False


class GroupWriter:
    """Writes what follows prompts, in groups of at most `rows`.

    token_bytes: of every token. end_of_text: the id that ends a text.
    """

    def __init__(self, model: GPT2, token_bytes: Sequence[bytes], end_of_text: int) -> None:
        self.rows = rows_together(model.config, tf.as_dtype(model.precision).size)
        self.programs = Programs(model)
        self._config = model.config
        self._device = model.by_name[_WTE].device
        self._token_bytes = token_bytes
        self._end_of_text = end_of_text

    def write(
        self, prompts: Sequence[Sequence[int]], seeds: np.ndarray, request: Request
    ) -> list[Written]:
        """What follows each prompt of ids; an empty or too long one is taken as `generate` takes it.

        seeds: int64 [n, 2], the random stream of each. request: of numbers and strings, no tensors;
            it samples, whatever its beams are.
        """
        steps = min(int(request.max_new_tokens), self._config.context - 1)
        room = self._config.context - steps
        given = [list(prompt[-room:]) or [self._end_of_text] for prompt in prompts]
        order = sorted(range(len(given)), key=lambda number: len(given[number]))
        rows = min(_power_of_two(len(given), LEAST_ROWS_TOGETHER), self.rows)
        written: dict[int, Written] = {}
        for start in range(0, len(order), rows):
            numbers = order[start : start + rows]
            # rows that are lacking are the last one again, and thrown away
            filled = numbers + numbers[-1:] * (rows - len(numbers))
            width = min(_power_of_two(len(given[numbers[-1]]), LEAST_WIDTH), room)
            group = [given[number] for number in filled]
            with tf.device(self._device):
                found = self._write_group(group, width, seeds[filled], steps, request)
            written |= zip(numbers, found, strict=False)
        return [written[number] for number in range(len(prompts))]

    def _write_group(
        self,
        prompts: Sequence[Sequence[int]],
        width: int,
        seeds: np.ndarray,
        steps: int,
        request: Request,
    ) -> list[Written]:
        """As `write`, of prompts that have room in so many slots."""
        # each up to the last slot, so that all rows write at one slot
        first = np.array([width - len(prompt) for prompt in prompts], np.int32)
        ids = np.zeros([len(prompts), width], np.int32)
        seen = np.zeros([len(prompts), self._config.vocabulary_size], np.bool_)
        for row, prompt in enumerate(prompts):
            ids[row, first[row] :] = prompt
            seen[row, prompt] = True
        new_slots = -(-(steps - 1) // STRETCH) * STRETCH
        settings = _Settings(
            temperature=tf.constant(request.temperature, tf.float32),
            top_k=tf.constant(request.top_k) if request.top_k else None,
            top_p=tf.constant(request.top_p, tf.float32),
            repetition_penalty=tf.constant(request.repetition_penalty, tf.float32),
        )
        with tf.device("CPU:0"):  # a row after the other, a few numbers each
            uniform = _uniforms(seeds, tf.constant(1 + new_slots)).numpy()
        stop = [string.encode("utf-8", "replace") for string in request.stop]
        texts = [Written() for _ in seeds]
        state = self.programs.start(settings, uniform[:, 0], ids, first, seen, new_slots)
        self._read(state.token.numpy()[:, np.newaxis], texts, steps, stop)
        for done in range(0, new_slots, STRETCH):
            if all(text.finished for text in texts):
                break
            numbers = uniform[:, 1 + done : 1 + done + STRETCH]
            slot = tf.constant(width + done)
            tokens, state = self.programs.stretch(settings, numbers, state, slot)
            self._read(tokens.numpy(), texts, steps, stop)
        return texts

    def _read(
        self, ids: np.ndarray, texts: list[Written], steps: int, stop: Sequence[bytes]
    ) -> None:
        """Add tokens int32 [R, t] to the texts, each up to where it is finished or has so many tokens."""
        for text, row in zip(texts, ids.tolist(), strict=True):
            for token in row:
                if text.finished or len(text.ids) == steps:
                    break
                if token == self._end_of_text:
                    text.finished = True
                    break
                text.ids.append(token)
                text.text += self._token_bytes[token]
                text.finished = any(string in text.text for string in stop)


def rows_together(config: GPT2Config, number_bytes: int) -> int:
    """The most rows of a model that are computed at once: a power of two, whose keys and values have room.

    number_bytes: of a number in the precision of the computation.
    """
    of_row = 2 * config.layers * config.context * config.width * number_bytes
    fitting = max(1, _CACHE_BYTES // of_row)
    return min(MOST_ROWS_TOGETHER, 1 << (fitting.bit_length() - 1))


def _power_of_two(number: int, least: int) -> int:
    """The least power of two from `least` on that is not below a number."""
    return max(least, 1 << (number - 1).bit_length())


class _Settings(NamedTuple):
    """The scalars of a `Request` that a draw depends on.

    top_k: None is off, which is a program of its own: hardly anybody asks for top-k, which takes passes.
    """

    temperature: tf.Tensor
    top_k: tf.Tensor | None
    top_p: tf.Tensor
    repetition_penalty: tf.Tensor


class _State(NamedTuple):
    """Where R rows are: the last token int32 [R], the slot of the first one int32 [R], which tokens a row
    has (bool [R, V]), and the cache."""

    token: tf.Tensor
    first: tf.Tensor
    seen: tf.Tensor
    cache: Cache


class Programs:
    """What XLA compiles of a model, once for each shape that it meets."""

    def __init__(self, model: GPT2) -> None:
        self.model = model
        self._block = tf.function(block, autograph=False)
        self.start = _compiled(self._start)
        self.stretch = _compiled(self._stretch)

    def _start(
        self,
        settings: _Settings,
        uniform: tf.Tensor,
        ids: tf.Tensor,
        first: tf.Tensor,
        seen: tf.Tensor,
        new_slots: int,
    ) -> _State:
        """The state of prompts with the first token of each, and room for so many.

        uniform: float32 [R]. ids: int32 [R, P], a prompt up to the last slot, 0 before it. first, seen: as
            of `_State`.
        """
        weights = self._weights()
        positions = tf.range(ids.shape[1]) - first[:, tf.newaxis]  # negative before a prompt
        mask = causal_mask(tf.cast(positions >= 0, tf.int32))
        hidden, cache = self._transformer(weights, ids, tf.maximum(positions, 0), mask)
        room = [[0, 0], [0, 0], [0, new_slots], [0, 0]]
        cache = cache.map(lambda layer: tf.pad(layer, room))
        beyond = weights[_WTE].shape[0] - self.model.config.vocabulary_size
        no_token = tf.zeros_like(first)
        state = _State(no_token, first, tf.pad(seen, [[0, 0], [0, beyond]]), cache)
        return self._drawn(settings, uniform, weights, hidden[:, -1], state)

    def _stretch(
        self, settings: _Settings, uniform: tf.Tensor, state: _State, slot: tf.Tensor
    ) -> tuple[tf.Tensor, _State]:
        """The next tokens int32 [R, STRETCH], and the state after them.

        uniform: float32 [R, STRETCH]. slot: where the last token goes, int32.
        """
        weights = self._weights()
        slots = tf.range(state.cache.keys[0].shape[2])
        first = state.first[:, tf.newaxis]  # [R, 1]

        def one(
            number: tf.Tensor, ids: tf.Tensor, state: _State
        ) -> tuple[tf.Tensor, tf.Tensor, _State]:
            here = slot + number
            mask = (first <= slots) & (slots <= here)  # [R, S]
            hidden, cache = self._transformer(
                weights,
                state.token[:, tf.newaxis],
                here - first,
                mask[:, tf.newaxis, tf.newaxis],
                past=state.cache,
                slot=here,
            )
            state = state._replace(cache=cache)
            state = self._drawn(settings, uniform[:, number], weights, hidden[:, 0], state)
            ids = tf.where(tf.range(STRETCH) == number, state.token[:, tf.newaxis], ids)
            return number + 1, ids, state

        start = (tf.constant(0), tf.zeros(uniform.shape, tf.int32), state)
        return tf.while_loop(lambda number, *_: number < STRETCH, one, start)[1:]

    def _drawn(
        self,
        settings: _Settings,
        uniform: tf.Tensor,
        weights: Weights,
        hidden: tf.Tensor,
        state: _State,
    ) -> _State:
        """The state with the token that follows hidden vectors [R, W]."""
        scores = of_vocabulary(logits(weights[_WTE], hidden), self.model.config.vocabulary_size)
        wide = penalised(tf.cast(scores, tf.float32), state.seen, settings.repetition_penalty)
        is_drawn = settings.temperature > 0
        temperature = tf.where(is_drawn, settings.temperature, 1.0)
        temperature, top_p = (tf.fill(uniform.shape, n) for n in (temperature, settings.top_p))
        top_k = None if settings.top_k is None else tf.fill(uniform.shape, settings.top_k)
        drawn = draw_filtered(wide, uniform, temperature, top_k, top_p, ON_GPU)
        token = tf.where(is_drawn, drawn, greedy(wide))
        seen = state.seen | tf.one_hot(token, wide.shape[1], True, False)
        return state._replace(token=token, seen=seen)

    def _weights(self) -> Weights:
        """The weights, with an embedding of whole vectors of logits."""
        weights = self.model.weights()
        return {**weights, _WTE: in_whole_columns(weights[_WTE], COLUMNS_ON_GPU)}

    def _transformer(
        self, weights: Weights, *arguments: tf.Tensor, **options: Any
    ) -> tuple[tf.Tensor, Cache]:
        return transformer(
            weights,
            self.model.config,
            *arguments,
            operations=_OPERATIONS,
            run_block=self._block,
            **options,
        )


def _compiled(function: Callable) -> Callable:
    return tf.function(function, autograph=False, jit_compile=True)


_uniforms = tf.function(uniforms, autograph=False)


def _attend(
    query: tf.Tensor,
    key: tf.Tensor,
    value: tf.Tensor,
    mask: tf.Tensor,
    drop: Dropout,
) -> tf.Tensor:
    """As `trainer.operations.attend`: one query with others of zeros beside it.

    Of products with a single row XLA makes sums, which read keys and values at a third of the rate.
    """
    if query.shape[2] != 1:
        return attend(query, key, value, mask, drop)
    queries = tf.pad(query, [[0, 0], [0, 0], [0, _QUERIES - 1], [0, 0]])
    return attend(queries, key, value, mask, drop)[:, :, :1]


def _write_slots(old: tf.Tensor, new: tf.Tensor, slot: tf.Tensor) -> tf.Tensor:
    """As `trainer.operations.write_slots`, in place in a compiled loop."""
    return gen_xla_ops.xla_dynamic_update_slice(old, new, tf.stack([0, 0, slot, 0]))


_OPERATIONS = Operations(attend=_attend, write_slots=_write_slots)
