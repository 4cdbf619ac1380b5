"""Sampling all rows at once, as on a GPU: the tokens that rows draw one by one on a processor."""

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from tests.trainer.random_models import random_model
from trainer.generation import Request, generate
from trainer.generation.together import STRETCH
from trainer.gpt2 import GPT2Config
from trainer.sampling import ON_GPU, draw_filtered, sample

CONFIG = GPT2Config(vocabulary_size=61, context=64, width=16, heads=2, layers=2)
END = 60


@pytest.mark.parametrize("spread", [0.1, 4.0])
@pytest.mark.parametrize(
    ("top_k", "top_p"), [(0, 0.9), (0, 0.3), (5, 0.9), (40, 1.0), (0, 1.0), (1, 0.5)]
)
def test_rows_that_are_drawn_together_are_those_drawn_alone(
    spread: float, top_k: int, top_p: float
) -> None:
    # in half precision many logits are equal
    logits = tf.cast(tf.random.stateless_normal([6, 301], [1, 2], stddev=spread), tf.bfloat16)
    logits, uniform = tf.cast(logits, tf.float32), tf.random.stateless_uniform([6], [3, 4])
    temperatures, shares = tf.fill([6], 0.8), tf.fill([6], top_p)
    counts = tf.fill([6], top_k) if top_k else None
    drawn = draw_filtered(logits, uniform, temperatures, counts, shares, ON_GPU)
    expected = sample(logits, uniform, 0.8, top_k, top_p)
    assert drawn.numpy().tolist() == expected.numpy().tolist()


@pytest.mark.parametrize(
    ("steps", "settings", "stop"),
    [
        (STRETCH + 4, {"top_k": 5, "top_p": 0.8, "repetition_penalty": 1.3}, ["ab", "c"]),
        pytest.param(STRETCH + 4, {"temperature": 0.0}, ["ab", "c"], marks=pytest.mark.long),
    ],
)
def test_texts_that_are_written_together_are_those_written_row_by_row(
    steps: int, settings: dict[str, Any], stop: list[str]
) -> None:
    model = random_model(CONFIG, seed=3)
    random = np.random.default_rng(1)
    prompts = [random.integers(0, 60, length).tolist() for length in (8, 5, 1)]

    @tf.function(autograph=False)
    def both() -> tuple[Any, Any]:
        apart, together = (
            generate(
                model,
                tf.ragged.constant(prompts, dtype=tf.int32),
                Request(steps, stop=tf.constant(stop, tf.string), **settings),
                seeds=tf.constant([[1, 2], [3, 4], [5, 6]], tf.int64),
                token_bytes=tf.constant([chr(97 + number % 26) for number in range(61)]),
                end_of_text=END,
                together=way,
            )
            for way in (False, True)
        )
        return apart, together

    for expected, found in zip(*both(), strict=True):
        assert found.numpy().tolist() == expected.numpy().tolist()
