"""Continuing a batch of prompts, each as if it were alone."""

from collections.abc import Callable

import tensorflow as tf

from trainer.few_rows import MOST_ROWS
from trainer.generation.beam_search import search
from trainer.generation.cached_model import CachedModel
from trainer.generation.prompts import Prompts, buckets, cut_left, pad_left
from trainer.generation.request import Generated, Request
from trainer.generation.sampled import sample_group
from trainer.generation.together import MOST_ROWS_TOGETHER, sample_together
from trainer.gpt2 import GPT2
from trainer.sampling import uniforms


def generate(
    model: GPT2,
    prompts: tf.RaggedTensor,
    request: Request,
    *,
    seeds: tf.Tensor,
    token_bytes: tf.Tensor,
    end_of_text: int,
    together: bool = False,
) -> Generated:
    """Continue each prompt until its text ends or has max_new_tokens; made for a tf.function.

    A row depends on its prompt, its seed and the request alone, bit for bit, whatever else is in
    the batch: groups of at most MOST_ROWS prompts of one length bucket are computed one after the
    other. That is not promised for `together`, whose groups are larger: the way for a GPU.

    prompts: int32 ragged [n, None]. An empty one starts from the end of text; one that is longer
        than the context less max_new_tokens loses its beginning.
    seeds: int64 [n, 2], the random stream of each row. token_bytes: string [V], of every token.
    """
    config = model.config
    steps = tf.convert_to_tensor(request.max_new_tokens, tf.int32)
    steps = tf.clip_by_value(steps, 1, config.context - 1)
    room = config.context - steps
    cut = cut_left(prompts, room, end_of_text)
    slots = buckets(tf.cast(cut.row_lengths(), tf.int32), room)  # [n]
    widest = tf.maximum(tf.reduce_max(slots), 1)
    padded = pad_left(cut, widest)
    order = tf.argsort(slots, stable=True)
    ordered = tf.gather(slots, order)
    uniform = uniforms(seeds, steps)  # [n, T]
    cached, weights = CachedModel(model), model.weights()
    sampling = tf.equal(request.beams, 1)
    most = tf.where(sampling, MOST_ROWS_TOGETHER if together else MOST_ROWS, 1)

    def next_group(
        done: tf.Tensor, ids: tf.Tensor, finished: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        width = ordered[done]
        alike = tf.reduce_sum(tf.cast(ordered[done:] == width, tf.int32))
        rows = order[done : done + tf.minimum(alike, most)]
        group = Prompts(
            tf.gather(padded.ids, rows)[:, widest - width :], tf.gather(padded.lengths, rows)
        )
        numbers = tf.gather(uniform, rows)

        def sampled() -> tuple[tf.Tensor, tf.Tensor]:
            if together:
                return sample_together(
                    weights, config, group, numbers, request, token_bytes, end_of_text
                )
            return sample_group(cached, group, numbers, request, token_bytes, end_of_text)

        group_ids, group_finished = tf.cond(
            sampling,
            _apart(sampled),
            _apart(lambda: search(cached, group, steps, request, token_bytes, end_of_text)),
        )
        where = rows[:, tf.newaxis]
        return (
            done + tf.size(rows),
            tf.tensor_scatter_nd_update(ids, where, group_ids),
            tf.tensor_scatter_nd_update(finished, where, group_finished),
        )

    count = tf.size(slots)
    start = (
        tf.constant(0),
        tf.fill([count, steps], end_of_text),
        tf.zeros([count], tf.bool),
    )
    _, ids, finished = tf.while_loop(
        lambda done, *_: done < count, next_group, start, parallel_iterations=1
    )
    counts = tf.reduce_sum(tf.cast(ids != end_of_text, tf.int32), axis=1)
    return Generated(ids, counts, finished)


def _apart(function: Callable[[], tuple[tf.Tensor, tf.Tensor]]) -> Callable:
    """A function of the graph that is prepared when it is first run, and not at all if it is not.

    Half of what a generation's graph takes is for the search, and hardly anybody searches.
    """
    return tf.function(function, autograph=False, experimental_attributes={"_noinline": True})
