"""Cached generation: equal to the full forward at every step, row by row."""

import itertools
from collections.abc import Iterator
from typing import Protocol

import numpy as np
import pytest
import tensorflow as tf

from tests.trainer.random_models import SMALL, random_model
from trainer.generation import CachedModel, Generated, Request, Writer, generate
from trainer.generation.prompts import Prompts, buckets, cut_left, side_by_side
from trainer.generation.stop_strings import cut_before, holds_any
from trainer.gpt2 import GPT2, GPT2Config, Precision

END = 60
TOKEN_BYTES = tf.constant([chr(33 + number) for number in range(61)])
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


@pytest.fixture(scope="module")
def model_of_all() -> GPT2:
    return random_model(SMALL, seed=7)


@pytest.fixture
def model(model_of_all: GPT2) -> Iterator[GPT2]:
    """The model that `run` writes with; a test may change it."""
    before = {name: variable.numpy() for name, variable in model_of_all.by_name.items()}
    precision = model_of_all.precision
    yield model_of_all
    model_of_all.precision = precision
    for name, variable in model_of_all.by_name.items():
        variable.assign(before[name])


@pytest.fixture(scope="module")
def run(model_of_all: GPT2) -> Run:
    """Generation with the model, in one graph for all tests: to trace it takes five seconds."""

    @tf.function(
        input_signature=[
            tf.RaggedTensorSpec([None, None], tf.int32),
            tf.TensorSpec([], tf.int32),
            tf.TensorSpec([], tf.float32),
            tf.TensorSpec([None, 2], tf.int64),
        ]
    )
    def graph(
        ragged: tf.RaggedTensor, new: tf.Tensor, temperature: tf.Tensor, seeds: tf.Tensor
    ) -> Generated:
        return generate(
            Writer(CachedModel(model_of_all), TOKEN_BYTES, END),
            ragged,
            Request(new, temperature, stop=tf.constant([], tf.string)),
            seeds=seeds,
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
    rows, length = ids.shape
    cached, prefix = CachedModel(model), 4
    lengths = tf.fill([rows], prefix)
    padded = Prompts(tf.pad(ids[:, :prefix], [[0, 0], [0, 2]]), lengths, lengths + 2)
    found, cache = cached.prefill(padded, length)
    np.testing.assert_allclose(found, full[:, prefix - 1], atol=tolerance)
    for position in range(prefix, length):
        token, positions = ids[:, position], tf.fill([rows], position)
        found, cache = cached.decode(token, positions, cache)
        np.testing.assert_allclose(found, full[:, position], atol=tolerance)


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


def test_a_penalty_falls_on_the_tokens_of_the_prompt_alone(model: GPT2) -> None:
    penalty, random = 3.0, np.random.default_rng(6)
    prompts = [random.integers(0, END, 8 + row).tolist() for row in range(8)]
    generated = generate(
        Writer(CachedModel(model), TOKEN_BYTES, END),
        tf.ragged.constant(prompts, dtype=tf.int32),
        Request(1, 0.0, repetition_penalty=penalty, stop=tf.constant([], tf.string)),
        seeds=tf.zeros([len(prompts), 2], tf.int64),
    )
    changed = 0
    for row, prompt in enumerate(prompts):
        logits = model(tf.constant([prompt]))[0, -1].numpy()
        best = logits.argmax()
        logits[prompt] = np.where(logits > 0, logits / penalty, logits * penalty)[prompt]
        assert int(generated.ids[row, 0]) == logits.argmax()
        changed += best != logits.argmax()
    assert changed > 0


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


def test_prompts_stand_side_by_side_in_their_buckets() -> None:
    padded = side_by_side(tf.ragged.constant([[8, 9], list(range(1, 18))], dtype=tf.int32), 20)
    assert padded.ids.numpy().tolist() == [[8, 9, *[0] * 18], [*range(1, 18), 0, 0, 0]]
    assert padded.lengths.numpy().tolist() == [2, 17]
    assert padded.widths.numpy().tolist() == [16, 20]


def test_prompts_prefilled_together_are_those_prefilled_apart(model: GPT2) -> None:
    prompts = side_by_side(tf.ragged.constant(PROMPTS, dtype=tf.int32), 20)
    cached = CachedModel(model)
    apart, together = cached.prefill_apart(prompts, 24), cached.prefill_together(prompts, 24)
    np.testing.assert_allclose(together[0], apart[0], atol=1e-4)
    for row, length in enumerate(prompts.lengths):
        for one, other in zip(tf.nest.flatten(apart[1]), tf.nest.flatten(together[1]), strict=True):
            np.testing.assert_allclose(other[row, :, :length], one[row, :, :length], atol=1e-4)


def test_a_bucket_holds_its_prompts_and_the_room_bounds_it() -> None:
    lengths = tf.constant([1, 16, 17, 64, 65, 128, 129, 256, 257, 900])
    found = buckets(lengths, 960).numpy().tolist()
    assert found == [16, 16, 32, 64, 128, 128, 256, 256, 384, 960]


def test_a_stop_string_is_found_wherever_it_begins_first() -> None:
    texts, stop = tf.constant(["xabc", "", "ab", "\u00e9\nabc"]), tf.constant(["bc", "abc", "\n"])
    assert holds_any(texts, stop).numpy().tolist() == [True, False, False, True]
    kept = [text.decode() for text in cut_before(texts, stop).numpy()]
    assert kept == ["x", "", "ab", "\u00e9"]


def test_a_text_is_stopped_by_its_own_strings_alone() -> None:
    texts, stop = tf.constant(["xab", "xab", "xab"]), tf.constant(["a", "b", "c"])
    stopped_by = tf.constant([[True, False, False], [False, False, True], [False, True, True]])
    assert holds_any(texts, stop, stopped_by).numpy().tolist() == [True, False, True]


def test_without_stop_strings_nothing_is_cut() -> None:
    texts, stop = tf.constant(["xabc", ""]), tf.constant([], tf.string)
    assert not holds_any(texts, stop).numpy().any()
    np.testing.assert_array_equal(cut_before(texts, stop), texts)


@pytest.mark.parametrize("length_penalty", [0.0, 1.0, 2.0])
def test_a_wide_beam_finds_what_an_exhaustive_search_finds(length_penalty: float) -> None:
    config = GPT2Config(vocabulary_size=4, context=8, width=8, heads=2, layers=1)
    tiny, prompt, new, end = random_model(config, seed=3), [1, 2], 3, 3
    scored = {}
    for text in itertools.product(range(4), repeat=new):
        length = text.index(end) + 1 if end in text else new
        kept = text[:length]
        log_p = tf.nn.log_softmax(tiny(tf.constant([[*prompt, *kept]]))[0]).numpy()
        total = sum(log_p[len(prompt) - 1 + i, token] for i, token in enumerate(kept))
        scored[kept] = total / length**length_penalty
    best = max(scored, key=lambda text: scored[text])
    found = generate(
        Writer(CachedModel(tiny), tf.constant(["a", "b", "c", ""]), end),
        tf.ragged.constant([prompt], dtype=tf.int32),
        Request(new, beams=64, length_penalty=length_penalty, stop=tf.constant([], tf.string)),
        seeds=tf.constant([[0, 0]], tf.int64),
    )
    assert found.ids[0].numpy()[: len(best)].tolist() == list(best)
    assert bool(found.finished[0]) == (best[-1] == end)


def test_cutting_keeps_the_end_and_fills_the_empty() -> None:
    prompts = tf.ragged.constant([[1, 2, 3, 4], [], [5]], dtype=tf.int32, ragged_rank=1)
    assert cut_left(prompts, 2, END).to_list() == [[3, 4], [END], [5]]
