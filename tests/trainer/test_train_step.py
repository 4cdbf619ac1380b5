"""A step of training: accumulation, frozen groups, loss scaling, and where it computes."""

from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tests.trainer.numpy_gpt2 import numpy_logits
from tests.trainer.random_models import SMALL, random_model
from tests.trainer.token_rows import counting_rows
from tests.trainer.train_steps import HERE, make_train_step
from trainer.bounds import ANY_NUMBER
from trainer.data import FEATURES, TokenRows, in_loss
from trainer.gpt2 import GPT2
from trainer.loss import counted_tokens, predictions, summed_loss
from trainer.loss_scale import LossScale
from trainer.operations import PLAIN
from trainer.options import TrainingOptions
from trainer.output_layer import OutputLayer
from trainer.train_step import StepResult, TrainStep
from trainer.training import several_steps
from trainer.validation import evaluation_loss, mean_loss


def one_step(step: TrainStep, rows: int = 4, number: int = 0) -> StepResult:
    batch = counting_rows(rows).training_batch(number, rows, seed=1)
    tensors = {name: tf.constant(value) for name, value in batch.items()}
    return step(tensors, tf.constant(0.01), tf.constant(number, tf.int64))


def weights_of(model: GPT2) -> dict[str, np.ndarray]:
    return {name: variable.numpy() for name, variable in model.by_name.items()}


def numpy_loss(weights: dict[str, np.ndarray], batch: dict[str, np.ndarray]) -> float:
    """The mean loss of what counts, each record by itself."""
    losses = []
    for ids, mask, segments in zip(
        batch["input_ids"], batch["loss_mask"], batch["segment_ids"], strict=True
    ):
        for segment in range(1, segments.max() + 1):
            own, counts = ids[segments == segment], mask[segments == segment][1:] > 0
            logits = numpy_logits(weights, SMALL.heads, own)[:-1]
            labels = logits[np.arange(len(logits)), own[1:]]
            losses.extend((np.log(np.exp(logits).sum(axis=1)) - labels)[counts])
    return float(np.mean(losses))


def test_loss_and_gradients_of_packed_rows_are_those_of_the_formulas_in_numpy() -> None:
    random = np.random.default_rng(2)
    segments = np.array([[1] * 5 + [2] * 6 + [0], [1] * 12, [1] * 2 + [2] * 3 + [3] * 7])
    first = np.array([[0, 5, 11], [0, 0, 0], [0, 2, 5]])
    batch = {
        "input_ids": random.integers(0, SMALL.vocabulary_size, segments.shape),
        "loss_mask": random.random(segments.shape) < 0.5,
        "segment_ids": segments,
        "positions": np.arange(12) - np.take_along_axis(first, np.maximum(segments - 1, 0), axis=1),
    }
    model = random_model(replace(SMALL, layers=1), seed=0)
    before = {name: value.astype(np.float64) for name, value in weights_of(model).items()}
    step = make_train_step(model, TrainingOptions(clip_norm=None), seed=1)
    tensors = {name: tf.constant(value, tf.int32) for name, value in batch.items()}
    result = step(tensors, tf.constant(0.01), tf.constant(0, tf.int64))
    assert float(result.loss) == pytest.approx(numpy_loss(before, batch), rel=1e-5)
    # after one step the first moment is a tenth of the gradient
    for name, mean in step.optimizer.means.items():
        gradient = 10 * mean.numpy().astype(np.float64)
        # along itself the loss rises by the square of its length
        move = 1e-5 * gradient / np.linalg.norm(gradient)
        there, back = (
            numpy_loss({**before, name: before[name] + sign * move}, batch) for sign in (1, -1)
        )
        assert (there - back) / 2e-5 == pytest.approx(np.linalg.norm(gradient), rel=1e-3), name


@pytest.mark.parametrize("parts", [2, 4])
def test_accumulated_batches_are_a_step_of_the_whole(parts: int) -> None:
    steps = [
        make_train_step(random_model(SMALL, seed=0), TrainingOptions(accumulate=number), seed=1)
        for number in (1, parts)
    ]
    whole, accumulated = map(one_step, steps)
    np.testing.assert_allclose(accumulated.loss, whole.loss, rtol=1e-5)
    np.testing.assert_allclose(accumulated.gradient_norm, whole.gradient_norm, rtol=1e-5)
    # after one step the first moment is a tenth of the gradient
    for name, expected in steps[0].optimizer.means.items():
        assert np.abs(expected).max() > 0, name
        np.testing.assert_allclose(steps[1].optimizer.means[name], expected, atol=1e-6)


@pytest.mark.parametrize(
    ("options", "frozen"),
    [
        (TrainingOptions(freeze_embeddings=True), ("model/wte", "model/wpe")),
        (TrainingOptions(freeze_blocks=1), ("model/h0/",)),
        (TrainingOptions(freeze_blocks=2, freeze_embeddings=True), ("model/w", "model/h")),
    ],
)
def test_frozen_groups_stay_and_the_others_move(
    options: TrainingOptions, frozen: tuple[str, ...]
) -> None:
    model = random_model(SMALL, seed=0)
    before = weights_of(model)
    step = make_train_step(model, options, seed=1)
    one_step(step)
    for name, value in weights_of(model).items():
        assert np.array_equal(value, before[name]) == name.startswith(frozen), name
    held = sum(value.size for name, value in before.items() if name.startswith(frozen))
    assert step.trained_parameters == model.config.parameters - held


def test_only_trained_weights_have_optimizer_state() -> None:
    step = make_train_step(random_model(SMALL, seed=0), TrainingOptions(freeze_blocks=2), seed=1)
    assert not [name for name in step.optimizer.means if name.startswith("model/h")]


def test_a_float16_overflow_skips_the_step_and_halves_the_scale() -> None:
    model = GPT2(SMALL, seed=3, precision="float16")
    step = make_train_step(model, TrainingOptions(precision="float16"), seed=1)
    assert step.loss_scale is not None
    before = weights_of(model)
    step.loss_scale.value.assign(2.0**100)
    assert bool(one_step(step).skipped)
    assert float(step.loss_scale.value) == 2.0**99
    assert int(step.optimizer.updates) == 0
    for name, value in weights_of(model).items():
        np.testing.assert_array_equal(value, before[name])
    step.loss_scale.value.assign(2.0**10)
    assert not bool(one_step(step).skipped)
    assert int(step.optimizer.updates) == 1


def test_the_loss_scale_grows_after_steps_without_an_overflow() -> None:
    scale = LossScale()
    start = float(scale.value)
    scale.steps.assign(1998)
    scale.adapt(tf.constant(True))
    assert (float(scale.value), int(scale.steps)) == (start, 1999)
    scale.adapt(tf.constant(True))
    assert (float(scale.value), int(scale.steps)) == (2 * start, 0)


def test_float16_learns_what_float32_learns() -> None:
    losses = {}
    for precision in ("float32", "float16"):
        options = TrainingOptions(precision=precision)
        step = make_train_step(GPT2(SMALL, seed=3, precision=precision), options, seed=1)
        if step.loss_scale is not None:
            step.loss_scale.value.assign(256.0)  # no step is skipped while the scale is found
        losses[precision] = [float(one_step(step, number=n).loss) for n in range(8)]
    assert losses["float32"][-1] < losses["float32"][0] - 0.5
    np.testing.assert_allclose(losses["float16"], losses["float32"], atol=0.05)


def test_float16_needs_no_steps_to_find_its_scale() -> None:
    options = TrainingOptions(precision="float16")
    step = make_train_step(GPT2(SMALL, seed=3, precision="float16"), options, seed=1)
    assert not any(bool(one_step(step, number=n).skipped) for n in range(4))


def test_a_skipped_step_leaves_its_learning_rate_to_the_next() -> None:
    model = GPT2(SMALL, seed=3, precision="float16")
    options = TrainingOptions(precision="float16", weight_decay=0.0, clip_norm=None)
    step = make_train_step(model, options, seed=1)
    assert step.loss_scale is not None
    step.loss_scale.value.assign(2.0**100)  # the first step overflows, and
    step.loss_scale.adapt = lambda finite: step.loss_scale.value.assign(
        256.0
    )  # the second does not
    batches = [counting_rows(2).training_batch(number, 2, seed=1) for number in range(2)]
    stacked = {name: np.stack([batch[name] for batch in batches]) for name in batches[0]}
    before = weights_of(model)
    rates = np.array([0.5, 0.001], np.float32)
    results = several_steps(step, (2, 8))(stacked, rates, np.int64(0))
    assert results.skipped.numpy().tolist() == [True, False]
    # AdamW's first update moves a weight by the learning rate
    moved = max(np.abs(value - before[name]).max() for name, value in weights_of(model).items())
    assert moved == pytest.approx(0.5, rel=0.01)


@given(
    mask=arrays(np.bool_, (5, 20)),
    cuts=st.lists(st.integers(1, 20), min_size=5, max_size=5),
    padding=st.integers(0, 12),
    size=st.integers(1, 12),
)
def test_no_batch_has_more_predictions_than_its_bounds_say(
    mask: np.ndarray, cuts: list[int], padding: int, size: int
) -> None:
    places = np.arange(20)
    segments = np.where(places < np.array(cuts)[:, np.newaxis], 1, 2)
    segments[:, 20 - padding :] = 0
    features = {name: np.zeros((5, 20), np.int32) for name in FEATURES}
    rows = TokenRows({**features, "loss_mask": mask, "segment_ids": segments})
    bounds = rows.bounds(size)
    batches = [*rows.batches(size), *(rows.training_batch(n, size, seed=1) for n in range(6))]
    for batch in batches:
        assert counted_tokens(batch) <= bounds.predictions
    assert bounds.predictions <= size * in_loss(mask, segments).sum(axis=1).max()
    assert bounds.one_segment == (max(len(set(row) - {0}) for row in segments.tolist()) <= 1)


def test_predictions_are_gathered_where_they_count_and_so_are_their_gradients() -> None:
    random = np.random.default_rng(1)
    batch = {name: tf.ones([3, 100], tf.int32) for name in FEATURES}
    batch["input_ids"] = tf.constant(random.integers(0, 50, (3, 100)), tf.int32)
    batch["loss_mask"] = tf.constant(random.random((3, 100)) < 0.2, tf.int32)
    hidden = tf.constant(random.normal(size=(3, 100, 4)), tf.float32)
    wte = tf.constant(random.normal(size=(50, 4)), tf.float32)
    found, number = {}, int(counted_tokens(batch))
    for most in (ANY_NUMBER, number, None):
        with tf.GradientTape() as tape:
            tape.watch([hidden, wte])
            loss, count = summed_loss(hidden, wte, batch, PLAIN, OutputLayer(most=most))
        found[most] = [loss, count, *tape.gradient(loss, [hidden, wte])]
    assert number <= len(predictions(hidden, batch, number).labels) < number + 64
    for gathered, rounded, whole in zip(found[number], found[None], found[ANY_NUMBER], strict=True):
        np.testing.assert_allclose(gathered, whole, atol=1e-5)
        np.testing.assert_allclose(rounded, whole, atol=1e-5)


def test_a_batch_of_one_shape_has_few_numbers_of_predictions() -> None:
    batch, met = {name: tf.ones([3, 16], tf.int32) for name in FEATURES}, set()
    for counting in range(16):
        mask = tf.tile([[0] * (16 - counting) + [1] * counting], [3, 1])
        found = predictions(tf.zeros([3, 16, 2]), {**batch, "loss_mask": mask}, None)
        assert len(found.hidden) == len(found.labels) == len(found.weights)
        assert float(tf.reduce_sum(found.weights)) == 3 * counting <= len(found.labels)
        met.add(len(found.labels))
    assert met == set(range(0, 46, 3))


def test_one_program_serves_every_step_and_every_validation() -> None:
    rows = counting_rows(7)
    model, options = GPT2(SMALL, seed=3), TrainingOptions(batch_size=2, accumulate=2)
    step = TrainStep(model, options, 1, HERE, rows.bounds(2))
    steps, loss = several_steps(step, (4, 8)), evaluation_loss(model, HERE, rows.bounds(2))
    for first, count in ((0, 1), (1, 3), (4, 2)):
        batches = [rows.training_batch(number, 4, seed=1) for number in range(first, first + count)]
        stacked = {name: np.stack([batch[name] for batch in batches]) for name in FEATURES}
        steps(stacked, np.full([count], 0.01, np.float32), np.int64(first))
        mean_loss(loss, rows, 2)  # four batches, the last of one row
    assert step.graph.experimental_get_tracing_count() == 1
    assert loss.experimental_get_tracing_count() == 1
