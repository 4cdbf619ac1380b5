"""The model that an export computes with: the same numbers from kernels that lie the other way."""

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from preprocessing.tokens.vocabulary import load_vocabulary
from tests.trainer.random_models import random_model
from trainer.export import export
from trainer.generation import CachedModel
from trainer.generation.prompts import Prompts
from trainer.gpt2 import GPT2, GPT2Config
from trainer.options import GenerationOptions
from trainer.served_model import served

PREFIX, SLOTS = 4, 2  # tokens of a prompt, and slots of padding after them


@pytest.fixture
def half(model: GPT2) -> GPT2:
    """The small model, to compute in bfloat16."""
    model.precision = "bfloat16"
    return model


def test_a_model_in_float32_is_served_as_it_is(model: GPT2) -> None:
    assert served(model) is model


def test_a_served_model_gives_the_logits_of_the_model(half: GPT2, ids: tf.Tensor) -> None:
    copy = served(half)
    assert copy.by_name["model/h0/mlp/c_fc/w"].shape == [128, 32]
    assert {value.dtype for value in copy.by_name.values()} == {tf.bfloat16}
    np.testing.assert_allclose(copy(ids), half(ids), atol=0.1)


def test_cached_logits_of_a_served_model_equal_the_full_forward(half: GPT2, ids: tf.Tensor) -> None:
    full = served(half)(ids).numpy()
    assert full.std() > 1
    for row, found in enumerate(stepwise(CachedModel(served(half)), ids)):
        np.testing.assert_allclose(found, full[row, PREFIX - 1 :], atol=0.2)


def test_a_row_of_a_served_model_has_the_same_logits_alone(half: GPT2, ids: tf.Tensor) -> None:
    cached = CachedModel(served(half))
    together = stepwise(cached, ids)
    for row in range(len(ids)):
        alone = stepwise(cached, ids[row : row + 1])
        np.testing.assert_array_equal(alone[0], together[row])


def stepwise(cached: CachedModel, ids: tf.Tensor) -> np.ndarray:
    """Logits [B, L - PREFIX + 1, V] of rows fed token by token after their first PREFIX."""
    rows, length = ids.shape
    lengths = tf.fill([rows], PREFIX)
    padded = Prompts(tf.pad(ids[:, :PREFIX], [[0, 0], [0, SLOTS]]), lengths, lengths + SLOTS)
    found, cache = cached.prefill(padded, length)
    steps = [found]
    for position in range(PREFIX, length):
        positions = tf.fill([rows], position)
        found, cache = cached.decode(ids[:, position], positions, cache)
        steps.append(found)
    return tf.stack(steps, axis=1).numpy()


def test_an_export_in_half_precision_continues_a_prompt_as_it_does_alone(tmp_path: Path) -> None:
    vocabulary = load_vocabulary("bytes")
    config = GPT2Config(vocabulary.size, context=200, width=32, heads=4, layers=2)
    model = random_model(config, seed=5)
    model.precision = "bfloat16"
    export(model, vocabulary, GenerationOptions(max_new_tokens=20, top_p=0.9), tmp_path)
    loaded = tf.saved_model.load(str(tmp_path))
    continued = loaded.signatures["serving_default"]
    prompts = ["A bridge", "Rain on it", "a" * 150, "b" * 160]
    first = [continued(prompts=tf.constant([text]))["completions"].numpy()[0] for text in prompts]
    for text, completion in zip(prompts, first, strict=True):
        # a row's stream is that of its place, so that it stands first
        others = [other for other in prompts if other != text]
        among = continued(prompts=tf.constant([text, *others]))["completions"].numpy()[0]
        assert among == completion
