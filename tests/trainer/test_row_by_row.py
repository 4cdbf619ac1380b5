"""Products of a few rows: each row the same bits whatever is beside it."""

import numpy as np
import pytest
import tensorflow as tf

from trainer.row_by_row import MOST_ROWS, can_go_row_by_row, row_by_row

# of 124M's blocks, and of the widest matrix of 1558M
SHAPES = [(2304, 768), (768, 768), (3072, 768), (768, 3072), (1600, 6400)]


@tf.function
def multiply(rows: tf.Tensor, kernel: tf.Tensor, one_by_one: tf.Tensor) -> tf.Tensor:
    return row_by_row(rows, kernel, one_by_one)


def drawn(shape: tuple[int, int], seed: int) -> tf.Tensor:
    values = np.random.default_rng(seed).normal(size=shape).astype(np.float32)
    return tf.cast(values, tf.bfloat16)


@pytest.mark.parametrize("one_by_one", [True, False])
@pytest.mark.parametrize("shape", SHAPES)
def test_a_row_has_the_same_bits_alone_and_among_others(
    shape: tuple[int, int], one_by_one: bool
) -> None:
    kernel, rows = drawn(shape, 1), drawn((MOST_ROWS, shape[1]), 2)
    together = multiply(rows, kernel, tf.constant(one_by_one)).numpy()
    for count in range(1, MOST_ROWS):
        some = multiply(rows[:count], kernel, tf.constant(one_by_one)).numpy()
        np.testing.assert_array_equal(some, together[:count])


@pytest.mark.parametrize("shape", SHAPES)
def test_rows_one_by_one_are_those_of_the_exact_product(shape: tuple[int, int]) -> None:
    kernel, rows = drawn(shape, 3), tf.cast(drawn((3, shape[1]), 4), tf.float32)
    exact = rows.numpy().astype(np.float64) @ kernel.numpy().astype(np.float64).T
    found = multiply(rows, kernel, tf.constant(True)).numpy()
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, exact, atol=1e-6 * shape[1])


def test_the_product_is_in_the_precision_of_the_rows() -> None:
    kernel, rows = drawn((4, 8), 5), drawn((2, 8), 6)
    for one_by_one in (tf.constant(True), tf.constant(False)):
        assert multiply(rows, kernel, one_by_one).dtype == tf.bfloat16
        assert multiply(tf.cast(rows, tf.float32), kernel, one_by_one).dtype == tf.float32


def test_only_a_few_rows_go_one_by_one() -> None:
    with tf.device("/CPU:0"):
        fits = tf.function(can_go_row_by_row)
        assert bool(fits(tf.constant(MOST_ROWS)))
        assert not bool(fits(tf.constant(MOST_ROWS + 1)))
