"""AdamW against its formulas in NumPy, clipping, and the schedules."""

import math
from itertools import pairwise

import numpy as np
import pytest
import tensorflow as tf

from trainer.optimizer import AdamW, clip_by_global_norm, is_decayed
from trainer.options import TrainingOptions
from trainer.schedule import learning_rate


def test_adamw_follows_its_formulas() -> None:
    options = TrainingOptions(weight_decay=0.1, beta1=0.8, beta2=0.95, epsilon=1e-6)
    random = np.random.default_rng(0)
    start = {
        "model/h0/mlp/c_fc/w": random.normal(size=[3, 2]),
        "model/h0/mlp/c_fc/b": random.normal(size=[2]),
    }
    variables = {name: tf.Variable(v, dtype=tf.float32) for name, v in start.items()}
    optimizer = AdamW(variables, options)
    expected = {name: value.copy() for name, value in start.items()}
    mean = {name: np.zeros_like(value) for name, value in start.items()}
    square = {name: np.zeros_like(value) for name, value in start.items()}
    for step in range(1, 6):
        rate = 0.01 * step
        gradients = {name: random.normal(size=value.shape) for name, value in start.items()}
        optimizer.apply(
            variables,
            {name: tf.constant(value, tf.float32) for name, value in gradients.items()},
            tf.constant(rate),
        )
        for name, gradient in gradients.items():
            mean[name] = 0.8 * mean[name] + 0.2 * gradient
            square[name] = 0.95 * square[name] + 0.05 * gradient**2
            unbiased = mean[name] / (1 - 0.8**step)
            deviation = np.sqrt(square[name] / (1 - 0.95**step))
            if name.endswith("/w"):
                expected[name] -= rate * 0.1 * expected[name]
            expected[name] -= rate * unbiased / (deviation + 1e-6)
    for name, value in expected.items():
        np.testing.assert_allclose(variables[name], value, rtol=1e-4, atol=1e-5)


def test_matrices_decay_and_biases_and_norms_do_not() -> None:
    decayed = ["model/wte", "model/wpe", "model/h0/attn/c_attn/w", "model/h1/mlp/c_proj/w"]
    kept = ["model/h0/attn/c_attn/b", "model/h0/ln_1/g", "model/ln_f/b", "model/ln_f/g"]
    assert [name for name in decayed + kept if is_decayed(name)] == decayed


def test_gradients_are_clipped_together() -> None:
    gradients = [tf.constant([3.0, 0.0]), tf.constant([[4.0]])]
    clipped, norm = clip_by_global_norm(gradients, 1.0)
    assert float(norm) == 5.0
    np.testing.assert_allclose(clipped[0], [0.6, 0.0], rtol=1e-6)
    np.testing.assert_allclose(clipped[1], [[0.8]], rtol=1e-6)


@pytest.mark.parametrize("limit", [10.0, None])
def test_small_gradients_and_no_limit_leave_them(limit: float | None) -> None:
    clipped, norm = clip_by_global_norm([tf.constant([3.0, 4.0])], limit)
    assert float(norm) == 5.0
    assert clipped[0].numpy().tolist() == [3.0, 4.0]


def test_the_rate_rises_to_the_peak_and_falls_along_a_cosine() -> None:
    options = TrainingOptions(steps=30, warmup_steps=10, learning_rate=0.4, schedule="cosine")
    rates = [learning_rate(step, options) for step in range(30)]
    np.testing.assert_allclose(rates[:10], np.arange(1, 11) * 0.04)
    assert rates[10] == pytest.approx(0.4)
    assert rates[20] == pytest.approx(0.2)
    assert rates[29] == pytest.approx(0.2 * (1 + math.cos(math.pi * 19 / 20)))
    assert all(before > after for before, after in pairwise(rates[10:]))


def test_a_constant_rate_stays_at_the_peak() -> None:
    options = TrainingOptions(steps=9, warmup_steps=3, learning_rate=0.3, schedule="constant")
    rates = [learning_rate(step, options) for step in range(9)]
    np.testing.assert_allclose(rates, [0.1, 0.2] + [0.3] * 7)


def test_without_warm_up_the_first_step_has_the_peak() -> None:
    assert learning_rate(0, TrainingOptions(warmup_steps=0)) == 1e-3
