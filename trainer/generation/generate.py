"""Continuing a batch of prompts, each as if it were alone."""

from collections.abc import Callable

import tensorflow as tf

from trainer.few_rows import MOST_ROWS
from trainer.generation.beam_search import search
from trainer.generation.decode_state import DecodeState, Writer
from trainer.generation.prompts import Prompts, cut_left, side_by_side
from trainer.generation.request import Generated, Request
from trainer.gpt2 import GPT2Config


def generate(
    writer: Writer, prompts: tf.RaggedTensor, request: Request, *, seeds: tf.Tensor
) -> Generated:
    """Continue each prompt until its text ends or has max_new_tokens; made for a tf.function.

    On a processor with oneDNN a row depends on its prompt, its seed and the request alone, bit for bit,
    whatever else is in the batch: groups of at most MOST_ROWS prompts of like lengths are computed one
    after the other.

    prompts: int32 ragged [n, None]. An empty one starts from the end of text; one that is longer
        than the context less max_new_tokens loses its beginning.
    seeds: int64 [n, 2], the random stream of each row.
    """
    steps = steps_of(request, writer.model.config)
    room = writer.model.config.context - steps
    padded = side_by_side(cut_left(prompts, room, writer.end_of_text), room)
    order = tf.argsort(padded.widths, stable=True)
    sampling = tf.equal(request.beams, 1)
    most = tf.where(sampling, MOST_ROWS, 1)

    def next_group(
        done: tf.Tensor, ids: tf.Tensor, finished: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        # in the order in which they were given: what follows each other may begin alike
        rows = tf.sort(order[done : done + most])
        group = Prompts(*(tf.gather(value, rows) for value in padded))
        group = group._replace(ids=group.ids[:, : tf.reduce_max(group.widths)])
        group_seeds = tf.gather(seeds, rows)
        group_ids, group_finished = tf.cond(
            sampling,
            _apart(lambda: _sampled(writer, group, group_seeds, steps, request)),
            _apart(lambda: search(writer, group, steps, request)),
        )
        where = rows[:, tf.newaxis]
        return (
            done + tf.size(rows),
            tf.tensor_scatter_nd_update(ids, where, group_ids),
            tf.tensor_scatter_nd_update(finished, where, group_finished),
        )

    count = tf.size(order)
    start = (
        tf.constant(0),
        tf.fill([count, steps], writer.end_of_text),
        tf.zeros([count], tf.bool),
    )
    _, ids, finished = tf.while_loop(
        lambda done, *_: done < count, next_group, start, parallel_iterations=1
    )
    counts = tf.reduce_sum(tf.cast(ids != writer.end_of_text, tf.int32), axis=1)
    return Generated(ids, counts, finished)


def steps_of(request: Request, config: GPT2Config) -> tf.Tensor:
    """How many tokens a request asks of a model, at least 1 and so few that a prompt token fits."""
    return tf.clip_by_value(tf.cast(request.max_new_tokens, tf.int32), 1, config.context - 1)


def _sampled(
    writer: Writer, prompts: Prompts, seeds: tf.Tensor, steps: tf.Tensor, request: Request
) -> tuple[tf.Tensor, tf.Tensor]:
    """Ids int32 [n, T] and finished bool [n] of n prompts, at most MOST_ROWS.

    Stops at the first step that finds every row finished.
    """

    def write(ids: tf.Tensor, step: tf.Tensor, state: DecodeState) -> tf.Tensor:
        return tf.where(tf.range(steps) == step, state.tokens[:, tf.newaxis], ids)

    def advance(
        step: tf.Tensor, ids: tf.Tensor, state: DecodeState
    ) -> tuple[tf.Tensor, tf.Tensor, DecodeState]:
        state = writer.step(state)
        return step + 1, write(ids, step, state), state

    state = writer.start(prompts, seeds, steps, request)
    nothing = tf.fill([tf.size(state.tokens), steps], writer.end_of_text)
    start = (tf.constant(1), write(nothing, tf.constant(0), state), state)
    _, ids, state = tf.while_loop(
        lambda step, ids, state: tf.reduce_any(state.running),
        advance,
        start,
        parallel_iterations=1,
    )
    return ids, state.finished


def _apart(function: Callable[[], tuple[tf.Tensor, tf.Tensor]]) -> Callable:
    """A function of the graph that is prepared when it is first run, and not at all if it is not.

    Half of what a generation's graph takes is for the search, and hardly anybody searches.
    """
    return tf.function(function, autograph=False, experimental_attributes={"_noinline": True})
