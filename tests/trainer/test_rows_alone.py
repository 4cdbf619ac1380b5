"""A row depends on its prompt and seed alone, bit for bit, whatever is computed beside it.

Promised on a processor with oneDNN on, which is TensorFlow's default there.
"""

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from tests.trainer.random_models import SMALL, random_model
from trainer.few_rows import MOST_ROWS, product_of_few_rows, takes_kernel_first
from trainer.generation import CachedModel, Request, Writer, generate
from trainer.generation.prompts import Prompts, buckets, side_by_side
from trainer.gpt2 import GPT2, Cache, GPT2Config, Precision, layer_norm
from trainer.served_model import served

WIDTHS = (768, 1024, 1280, 1600)
BATCHES = (2, 3, 7, 8)
VOCABULARY, SLOTS, NEW = 500, 200, 3
LENGTHS = (200, 197, 199, 100, 193, 200, 3, 198)


def wide_model(width: int, precision: Precision) -> GPT2:
    """A served layer of a width, its weights of about the size that training gives them."""
    config = GPT2Config(VOCABULARY, context=1024, width=width, heads=width // 64, layers=1)
    model, random = GPT2(config, precision=precision), np.random.default_rng(0)
    for name, variable in model.by_name.items():
        drawn = random.standard_normal(variable.shape, np.float32)
        variable.assign(1 + 0.1 * drawn if name.endswith("/g") else 0.05 * drawn)
    return served(model)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize(
    "width",
    [
        width if width in (768, 1600) else pytest.param(width, marks=pytest.mark.long)
        for width in WIDTHS
    ],
)
def test_logits_of_a_row_are_the_same_alone_and_in_any_batch(
    width: int, precision: Precision
) -> None:
    cached = CachedModel(wide_model(width, precision), takes_kernel_first())
    random = np.random.default_rng(5)
    ids = random.integers(0, VOCABULARY, [MOST_ROWS, SLOTS + NEW]).astype(np.int32)

    @tf.function(
        input_signature=[
            tf.TensorSpec([None, SLOTS + NEW], tf.int32),
            tf.TensorSpec([None], tf.int32),
        ],
        autograph=False,
    )
    def logits(ids: tf.Tensor, lengths: tf.Tensor) -> tf.Tensor:
        widths = buckets(lengths, SLOTS)
        found, cache = cached.prefill(Prompts(ids[:, :SLOTS], lengths, widths), SLOTS + NEW)
        steps = [found]
        for step in range(NEW):
            found, cache = cached.decode(ids[:, SLOTS + step], lengths + step, cache)
            steps.append(found)
        return tf.stack(steps, axis=1)

    lengths = np.array(LENGTHS, np.int32)
    alone = [logits(ids[row : row + 1], lengths[row : row + 1])[0] for row in range(MOST_ROWS)]
    for count in BATCHES:
        together = logits(ids[:count], lengths[:count])
        for row in range(count):
            np.testing.assert_array_equal(together[row], alone[row], f"row {row} of {count}")


# Of half precision the logits above are the same to the last bit, and draws are made in float32.
@pytest.mark.parametrize("precision", ["float32", pytest.param("bfloat16", marks=pytest.mark.long)])
def test_texts_of_a_row_are_the_same_alone_and_in_any_batch(precision: Precision) -> None:
    """Nothing is filtered, so that a draw sees the last bit of every logit."""
    model = random_model(SMALL, seed=7)
    model.precision = precision
    model, random = served(model), np.random.default_rng(4)
    prompts = [random.integers(0, 60, 1 + row % 5).tolist() for row in range(45)]

    @tf.function(
        input_signature=[
            tf.RaggedTensorSpec([None, None], tf.int32),
            tf.TensorSpec([None, 2], tf.int64),
        ],
        autograph=False,
    )
    def texts(ragged: tf.RaggedTensor, seeds: tf.Tensor) -> tf.Tensor:
        request = Request(18, stop=tf.constant([], tf.string))
        writer = Writer(CachedModel(model, takes_kernel_first()), tf.fill([61], "a"), 60)
        return generate(writer, ragged, request, seeds=seeds).ids

    def of(start: int, count: int) -> np.ndarray:
        ragged = tf.ragged.constant(prompts[start : start + count], dtype=tf.int32, ragged_rank=1)
        seeds = tf.constant([[3, row] for row in range(start, start + count)], tf.int64)
        return texts(ragged, seeds).numpy()

    alone = np.concatenate([of(row, 1) for row in range(45)])
    for count in (2, 3, 7, 8, 9):
        for start in range(0, 45 - count + 1, count):
            np.testing.assert_array_equal(of(start, count), alone[start : start + count])


def test_a_norm_has_the_same_bits_for_any_number_of_rows() -> None:
    rows = tf.random.stateless_normal([64, 1, 768], [1, 2])
    weights = {"n/g": tf.ones([768]), "n/b": tf.zeros([768])}
    norm = tf.function(lambda x: layer_norm(weights, "n", x), autograph=False)
    together = norm(rows).numpy()
    for count in range(1, 17):
        np.testing.assert_array_equal(norm(rows[:count]), together[:count])


@pytest.mark.parametrize("kernel_first", [False, True])
@pytest.mark.parametrize("dtype", [tf.float32, tf.bfloat16])
@pytest.mark.parametrize("shape", [(1, 768, 96), (96, 768)])
def test_a_product_of_few_rows_is_the_product(
    shape: tuple[int, ...], dtype: tf.DType, kernel_first: bool
) -> None:
    kernel = tf.cast(tf.random.stateless_normal(shape, [1, 2]), dtype)
    rows = tf.cast(tf.random.stateless_normal([3, 768], [3, 4]), dtype)
    matrix = tf.cast(kernel, tf.float64).numpy()
    exact = tf.cast(rows, tf.float64).numpy() @ (matrix[0] if len(shape) == 3 else matrix.T)
    for count in (1, 3):
        found = product_of_few_rows(rows[:count], kernel, kernel_first)
        assert (found.shape, found.dtype) == ((count, 96), dtype)
        rtol, atol = (1e-5, 1e-3) if dtype == tf.float32 else (2**-7, 0.1)
        np.testing.assert_allclose(tf.cast(found, tf.float64), exact[:count], rtol, atol)


STORY, TURNS = 150, (12, 9, 40, 30, 25)


def conversation(vocabulary: int) -> list[list[int]]:
    """A story and its first turn, the story and its first two turns, and so on: across two buckets."""
    ids = np.random.default_rng(6).integers(0, vocabulary, STORY + sum(TURNS)).tolist()
    return [ids[: STORY + end] for end in np.cumsum(TURNS)]


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_turns_on_one_story_have_the_bits_that_each_has_alone(precision: Precision) -> None:
    cached = CachedModel(wide_model(768, precision), takes_kernel_first())
    prompts = side_by_side(tf.ragged.constant(conversation(VOCABULARY), dtype=tf.int32), 1000)
    slots, prefill = tf.shape(prompts.ids)[1], tf.function(cached.prefill, autograph=False)
    logits, cache = prefill(prompts, slots)
    for row, length in enumerate(prompts.lengths.numpy()):
        alone, own_cache = prefill(Prompts(*(value[row : row + 1] for value in prompts)), slots)
        np.testing.assert_array_equal(logits[row], alone[0])
        for part, own_part in zip(cache, own_cache, strict=True):
            np.testing.assert_array_equal(part[0][row, :, :length], own_part[0][0, :, :length])


def test_of_turns_on_one_story_the_story_is_computed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    model = random_model(GPT2Config(61, context=300, width=32, heads=2, layers=1), seed=7)
    cached, computed = CachedModel(model), []
    whole = cached._pass

    def noted(ids: tf.Tensor, *others: Any) -> tuple[tf.Tensor, Cache]:
        computed.append(int(ids.shape[1]))
        return whole(ids, *others)

    monkeypatch.setattr(cached, "_pass", noted)
    prompts = side_by_side(tf.ragged.constant([*conversation(61), [5]], dtype=tf.int32), 280)
    cached.prefill_apart(prompts, 290)
    assert computed == [256, 16, 64, 32, 32, 16]
