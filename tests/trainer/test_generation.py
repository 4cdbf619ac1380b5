"""Cached generation: equal to the full forward at every step, row by row."""

from typing import Protocol

import numpy as np
import pytest
import tensorflow as tf

from trainer.generation import Generated, cut_left, generate, pad_left, widen
from trainer.gpt2 import GPT2, Precision, causal_mask, logits, transformer

END = 60
PROMPTS = [[5, 9, 2, 33, 41], [7], [12, 12, 50, 3, 8, 21, 4, 19], [40, 2]]


class Run(Protocol):
    """Generate for prompts; rows are the second numbers of the seeds."""

    def __call__(
        self,
        prompts: list[list[int]],
        new: int = ...,
        temperature: float = ...,
        rows: list[int] | None = ...,
    ) -> Generated: ...


@pytest.fixture
def run(model: GPT2) -> Run:
    """Generation with the model, in one graph for every call of a test."""

    @tf.function(reduce_retracing=True)
    def graph(
        ragged: tf.RaggedTensor, new: tf.Tensor, temperature: tf.Tensor, seeds: tf.Tensor
    ) -> Generated:
        return generate(
            model,
            ragged,
            max_new_tokens=new,
            temperature=temperature,
            top_k=0,
            top_p=1.0,
            seeds=seeds,
            end_of_text=END,
        )

    def call(
        prompts: list[list[int]],
        new: int = 10,
        temperature: float = 0.0,
        rows: list[int] | None = None,
    ) -> Generated:
        return graph(
            tf.ragged.constant(prompts, dtype=tf.int32, ragged_rank=1),
            tf.constant(new),
            tf.constant(temperature),
            tf.constant([[11, row] for row in (rows or range(len(prompts)))], tf.int64),
        )

    return call


@pytest.mark.parametrize(("precision", "tolerance"), [("float32", 1e-4), ("bfloat16", 0.2)])
def test_cached_logits_equal_the_full_forward_at_every_step(
    model: GPT2, ids: tf.Tensor, precision: Precision, tolerance: float
) -> None:
    model.precision = precision
    full = model(ids).numpy()
    assert full.std() > 1  # beside which bfloat16's tolerance is its rounding
    weights, length, prefix = model.weights(), ids.shape[1], 4
    positions = tf.range(length)[tf.newaxis] + tf.zeros_like(ids)
    hidden, cache = transformer(
        weights,
        model.config,
        ids[:, :prefix],
        positions[:, :prefix],
        causal_mask(tf.ones_like(ids[:, :prefix])),
    )
    np.testing.assert_allclose(logits(weights, hidden), full[:, :prefix], atol=tolerance)
    cache = widen(cache, length - prefix)
    for slot in range(prefix, length):
        mask = (tf.range(length) <= slot)[tf.newaxis, tf.newaxis, tf.newaxis]
        hidden, cache = transformer(
            weights,
            model.config,
            ids[:, slot : slot + 1],
            positions[:, slot : slot + 1],
            mask,
            past=cache,
            slot=slot,
        )
        np.testing.assert_allclose(logits(weights, hidden)[:, 0], full[:, slot], atol=tolerance)


def test_greedy_tokens_are_those_of_the_full_forward(model: GPT2, run: Run) -> None:
    generated = run(PROMPTS)
    for row, prompt in enumerate(PROMPTS):
        text = list(prompt)
        for step in range(int(generated.counts[row])):
            best = int(tf.argmax(model(tf.constant([text]))[0, -1]))
            assert best == int(generated.ids[row, step])
            text.append(best)


def test_a_prompt_among_others_continues_as_it_does_alone(run: Run) -> None:
    for temperature in (0.0, 1.0):
        together = run(PROMPTS, temperature=temperature)
        for row, prompt in enumerate(PROMPTS):
            alone = run([prompt], temperature=temperature, rows=[row])
            np.testing.assert_array_equal(together.ids[row], alone.ids[0])
            assert together.counts[row] == alone.counts[0]


def always(model: GPT2, token: int) -> None:
    """Make a model that answers one token whatever comes."""
    model.by_name["model/ln_f/g"].assign(tf.zeros_like(model.by_name["model/ln_f/g"]))
    shift = tf.ones_like(model.by_name["model/ln_f/b"])
    model.by_name["model/ln_f/b"].assign(shift)
    rows = tf.one_hot([token], model.config.vocabulary_size, axis=0)  # [V, 1]
    model.by_name["model/wte"].assign(rows * shift)


def test_the_end_of_text_stops_a_row_and_is_not_counted(model: GPT2, run: Run) -> None:
    always(model, END)
    generated = run(PROMPTS)
    assert generated.counts.numpy().tolist() == [0, 0, 0, 0]
    assert generated.finished.numpy().all()
    assert (generated.ids.numpy() == END).all()


def test_a_row_that_never_ends_is_not_finished(model: GPT2, run: Run) -> None:
    always(model, 3)
    generated = run(PROMPTS, new=6)
    assert (generated.ids.numpy() == 3).all()
    assert generated.counts.numpy().tolist() == [6] * 4
    assert not generated.finished.numpy().any()


def test_rows_end_at_their_own_step(run: Run) -> None:
    drawn = run([[1]] * 40, new=20, temperature=3.0)
    counts, finished = drawn.counts.numpy(), drawn.finished.numpy()
    assert finished.any()
    assert not finished.all()
    for row in range(40):
        row_ids = drawn.ids[row].numpy()
        assert (row_ids[: counts[row]] != END).all()
        assert (row_ids[counts[row] :] == END).all()
        assert finished[row] == (counts[row] < 20)


def test_an_empty_prompt_starts_from_the_end_of_text(run: Run) -> None:
    np.testing.assert_array_equal(run([[]]).ids, run([[END]]).ids)


def test_a_long_prompt_keeps_its_end(model: GPT2, run: Run) -> None:
    long = list(range(40))
    kept = long[-(model.config.context - 10) :]
    np.testing.assert_array_equal(run([long]).ids, run([kept]).ids)


def test_more_tokens_than_the_context_leaves_are_not_generated(model: GPT2, run: Run) -> None:
    always(model, 3)
    generated = run([[1, 2, 4]], new=1000)
    assert generated.ids.shape == [1, model.config.context - 1]


def test_one_new_token_needs_no_loop(run: Run) -> None:
    one, ten = run(PROMPTS, new=1), run(PROMPTS, new=10)
    np.testing.assert_array_equal(one.ids[:, 0], ten.ids[:, 0])


def test_prompts_stand_right_aligned() -> None:
    padded = pad_left(tf.ragged.constant([[8, 9], [1, 2, 3]], dtype=tf.int32))
    assert padded.ids.numpy().tolist() == [[0, 8, 9], [1, 2, 3]]
    assert padded.positions.numpy().tolist() == [[0, 0, 1], [0, 1, 2]]
    assert padded.present.numpy().tolist() == [[0, 1, 1], [1, 1, 1]]


def test_cutting_keeps_the_end_and_fills_the_empty() -> None:
    prompts = tf.ragged.constant([[1, 2, 3, 4], [], [5]], dtype=tf.int32, ragged_rank=1)
    assert cut_left(prompts, 2, END).to_list() == [[3, 4], [END], [5]]
