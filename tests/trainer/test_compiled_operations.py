"""The compiled operations and their gradients beside TensorFlow's."""

from collections.abc import Callable

import numpy as np
import pytest
import tensorflow as tf

from tests.trainer.random_models import SMALL, random_model
from tests.trainer.token_rows import counting_rows
from tests.trainer.train_steps import make_train_step
from trainer import compiled_operations, operations
from trainer.options import TrainingOptions

TOLERANCES = {"float32": 1e-5, "bfloat16": 2**-6}


def values(shape: list[int], precision: str, seed: int = 0) -> tf.Tensor:
    drawn = np.random.default_rng(seed).normal(0, 3, shape).astype(np.float32)
    return tf.cast(tf.constant(drawn), precision)


def with_gradient(
    function: Callable[[tf.Tensor], tf.Tensor], x: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = function(x)
    upstream = tf.cast(tf.reshape(tf.linspace(-1.0, 1.0, tf.size(y)), tf.shape(y)), y.dtype)
    return y, tape.gradient(y, x, output_gradients=upstream)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_the_gelu_and_its_gradient_are_tensorflows(precision: str) -> None:
    x = values([3, 5, 40], precision)
    expected = with_gradient(operations.gelu, x)
    for found, wanted in zip(with_gradient(compiled_operations.gelu, x), expected, strict=True):
        assert found.dtype == wanted.dtype == x.dtype
        found, wanted = (tf.cast(value, tf.float32) for value in (found, wanted))
        tolerance = TOLERANCES[precision]
        np.testing.assert_allclose(found, wanted, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_the_cross_entropy_and_its_gradient_are_tensorflows(precision: str) -> None:
    logits, labels = values([64, 301], precision), tf.range(64) * 4
    losses, gradient = with_gradient(lambda x: compiled_operations.cross_entropy(x, labels), logits)
    expected, wanted = with_gradient(lambda x: operations.cross_entropy(x, labels), logits)
    assert losses.dtype == tf.float32
    assert gradient.dtype == logits.dtype
    np.testing.assert_allclose(losses, expected, rtol=1e-5)
    gradient, wanted = tf.cast(gradient, tf.float32), tf.cast(wanted, tf.float32)
    tolerance = TOLERANCES[precision]
    np.testing.assert_allclose(gradient, wanted, rtol=tolerance, atol=tolerance)


def test_an_impossible_label_costs_what_its_logit_says() -> None:
    """Logits far apart neither overflow nor give NaN."""
    logits = tf.constant([[1000.0, 0.0, -1000.0]] * 64)
    losses, gradient = with_gradient(
        lambda x: compiled_operations.cross_entropy(x, tf.fill([64], 2)), logits
    )
    assert losses.numpy().tolist() == [2000.0] * 64
    assert np.isfinite(gradient).all()


@pytest.mark.parametrize("accumulate", [1, 3])
def test_a_step_is_the_same_with_tensorflows_operations(accumulate: int) -> None:
    results = {}
    for xla in ("auto", "off"):
        options = TrainingOptions(device="cpu", xla=xla, accumulate=accumulate)
        step = make_train_step(random_model(SMALL, seed=1), options, seed=1)
        numbers = [tf.constant(number, tf.int64) for number in range(3)]
        results[xla] = [step(batch_of_rows(), tf.constant(0.01), number) for number in numbers]
    for ours, theirs in zip(results["auto"], results["off"], strict=True):
        np.testing.assert_allclose(ours.loss, theirs.loss, rtol=2e-5)
        np.testing.assert_allclose(ours.gradient_norm, theirs.gradient_norm, rtol=2e-5)


def batch_of_rows() -> dict[str, tf.Tensor]:
    batch = counting_rows(3, length=12).training_batch(0, 3, seed=1)
    batch["loss_mask"][1, 4:] = 0
    return {name: tf.constant(value) for name, value in batch.items()}


def test_a_served_gelu_is_the_trained_one_rounded_once() -> None:
    bits = tf.bitcast(tf.range(2**16), tf.uint16)[:, 0]  # the lower half of each integer
    every = tf.bitcast(bits, tf.bfloat16)
    every = tf.boolean_mask(every, tf.math.is_finite(every))
    served = tf.cast(operations.gelu(every), tf.float64).numpy()
    trained = tf.cast(compiled_operations.gelu(every), tf.float64).numpy()
    np.testing.assert_array_equal(served, trained)

    x = tf.cast(every, tf.float64).numpy()
    with np.errstate(over="ignore"):
        inner = np.sqrt(2 / np.pi) * x * (1 + 0.044715 * x * x)
        exact = x / (1 + np.exp(-2 * inner))
    rounded = tf.cast(tf.cast(tf.constant(exact), tf.bfloat16), tf.float64).numpy()
    np.testing.assert_allclose(served, rounded, rtol=0, atol=1e-37)  # subnormal ones become 0
    assert served[x == -2] == -0.04541015625
