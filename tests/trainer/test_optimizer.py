"""AdamW and Adafactor against their formulas in NumPy, and clipping."""

import numpy as np
import pytest
import tensorflow as tf

from trainer.optimizers import is_decayed, make_optimizer
from trainer.options import TrainingOptions
from trainer.train_step import clipped


def test_adamw_follows_its_formulas() -> None:
    options = TrainingOptions(weight_decay=0.1, beta1=0.8, beta2=0.95, epsilon=1e-6)
    random = np.random.default_rng(0)
    start = {
        "model/h0/mlp/c_fc/w": random.normal(size=[3, 2]),
        "model/h0/mlp/c_fc/b": random.normal(size=[2]),
    }
    variables = {name: tf.Variable(v, dtype=tf.float32) for name, v in start.items()}
    optimizer = make_optimizer(variables, options)
    expected = {name: value.copy() for name, value in start.items()}
    mean = {name: np.zeros_like(value) for name, value in start.items()}
    square = {name: np.zeros_like(value) for name, value in start.items()}
    for step in range(1, 6):
        rate = 0.01 * step
        gradients = {name: random.normal(size=value.shape) for name, value in start.items()}
        optimizer.begin()
        for name, variable in variables.items():
            gradient = tf.constant(gradients[name], tf.float32)
            optimizer.update(name, variable, gradient, tf.constant(rate))
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


def test_adafactor_follows_its_formulas() -> None:
    options = TrainingOptions(optimizer="adafactor", weight_decay=0.1)
    random = np.random.default_rng(1)
    shapes = {"model/h0/mlp/c_fc/w": [1, 4, 3], "model/h0/mlp/c_fc/b": [3]}
    expected = {name: random.normal(size=shape) for name, shape in shapes.items()}
    variables = {name: tf.Variable(v, dtype=tf.float32) for name, v in expected.items()}
    optimizer = make_optimizer(variables, options)
    rows, columns, squares = np.zeros([4]), np.zeros([3]), np.zeros([3])
    for number in range(1, 6):
        rate, kept = 0.01 * number, 1 - number**-0.8
        matrix, vector = random.normal(size=[4, 3]), 10 * random.normal(size=[3])
        optimizer.begin()
        for name, gradient in zip(shapes, (matrix[np.newaxis], vector), strict=True):
            given = tf.constant(gradient, tf.float32)
            optimizer.update(name, variables[name], given, tf.constant(rate))
        rows = kept * rows + (1 - kept) * (matrix**2).mean(axis=1)
        columns = kept * columns + (1 - kept) * (matrix**2).mean(axis=0)
        squares = kept * squares + (1 - kept) * vector**2
        steps = (matrix / np.sqrt(np.outer(rows, columns) / rows.mean()), vector / np.sqrt(squares))
        for name, step in zip(shapes, steps, strict=True):
            if name.endswith("/w"):
                expected[name] *= 1 - rate * 0.1
            expected[name] -= rate * step / max(1.0, np.sqrt((step**2).mean()))
    for name, value in expected.items():
        np.testing.assert_allclose(variables[name], value, rtol=1e-4, atol=1e-5)


def test_adafactor_keeps_a_row_and_a_column_of_a_matrix() -> None:
    variables = {"model/wte": tf.Variable(tf.zeros([500, 30]))}
    optimizer = make_optimizer(variables, TrainingOptions(optimizer="adafactor"))
    sizes = sorted(int(tf.size(variable)) for variable in optimizer.variables)
    assert sizes == [1, 30, 500]  # with the number of updates


def test_matrices_decay_and_biases_and_norms_do_not() -> None:
    decayed = ["model/wte", "model/wpe", "model/h0/attn/c_attn/w", "model/h1/mlp/c_proj/w"]
    kept = ["model/h0/attn/c_attn/b", "model/h0/ln_1/g", "model/ln_f/b", "model/ln_f/g"]
    assert [name for name in decayed + kept if is_decayed(name)] == decayed


@pytest.mark.parametrize("optimizer", ["adamw", "adafactor"])
def test_a_weight_is_read_only_when_its_gradient_is_there(optimizer: str) -> None:
    """Otherwise the graph of a step begins with a copy of every weight."""
    name = "model/h0/mlp/c_fc/w"
    variable = tf.Variable(tf.ones([1, 4, 3]))
    made = make_optimizer({name: variable}, TrainingOptions(optimizer=optimizer, weight_decay=0.1))

    @tf.function(autograph=False)
    def step(gradient: tf.Tensor) -> None:
        made.begin()
        made.update(name, variable, tf.identity(gradient, name="gradient"), tf.constant(0.1))

    graph = step.get_concrete_function(tf.TensorSpec([1, 4, 3])).graph
    handle = next(inner for outer, inner in graph.captures if outer is variable.handle)
    reads = [
        op
        for op in graph.get_operations()
        if op.type == "ReadVariableOp" and op.inputs[0] is handle
    ]
    assert reads
    assert all("gradient" in names_behind(op) for op in reads)


def names_behind(operation: tf.Operation) -> set[str]:
    """The names of the operations that an operation waits for."""
    found: set[str] = set()
    waiting = [operation]
    while waiting:
        current = waiting.pop()
        for before in [*(tensor.op for tensor in current.inputs), *current.control_inputs]:
            if before.name not in found:
                found.add(before.name)
                waiting.append(before)
    return found


def test_gradients_are_clipped_together() -> None:
    gradients = {"a": tf.constant([3.0, 0.0]), "b": tf.constant([[4.0]])}
    found, norm = clipped(gradients, 1.0)
    assert float(norm) == 5.0
    np.testing.assert_allclose(found["a"], [0.6, 0.0], rtol=1e-6)
    np.testing.assert_allclose(found["b"], [[0.8]], rtol=1e-6)


@pytest.mark.parametrize("limit", [10.0, None])
def test_small_gradients_and_no_limit_leave_them(limit: float | None) -> None:
    found, norm = clipped({"a": tf.constant([3.0, 4.0])}, limit)
    assert float(norm) == 5.0
    assert found["a"].numpy().tolist() == [3.0, 4.0]
