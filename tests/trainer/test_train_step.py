"""A step of training: accumulation, frozen groups, loss scaling, and where it computes."""

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from preprocessing.errors import InputError
from tests.trainer.random_models import SMALL, random_model
from tests.trainer.token_rows import counting_rows
from trainer.device import choose_device, has_bfloat16
from trainer.gpt2 import GPT2
from trainer.loss_scale import LossScale
from trainer.options import TrainingOptions
from trainer.train_step import StepResult, TrainStep, make_train_step


def one_step(step: TrainStep, rows: int = 4, number: int = 0) -> StepResult:
    batch = counting_rows(rows).training_batch(number, rows, seed=1)
    given = {name: tf.constant(value) for name, value in batch.items()}
    return step(given, tf.constant(0.01), tf.constant(number, tf.int64))


def weights_of(model: GPT2) -> dict[str, np.ndarray]:
    return {name: variable.numpy() for name, variable in model.by_name.items()}


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
    assert step.trained_parameters == model.parameters - held


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


def test_a_gpu_that_is_not_there_is_a_users_mistake() -> None:
    if tf.config.list_physical_devices("GPU"):
        assert choose_device(TrainingOptions(device="gpu")).kind == "gpu"
        return
    with pytest.raises(InputError, match=r"training\.device is gpu"):
        choose_device(TrainingOptions(device="gpu"))


@pytest.mark.parametrize(
    ("flags", "expected"),
    [("fpu avx2 avx512_bf16", True), ("fpu amx_bf16", True), ("fpu avx2 avx512f", False)],
)
def test_bfloat16_is_for_processors_that_have_it(
    tmp_path: Path, flags: str, expected: bool
) -> None:
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text(f"processor\t: 0\nmodel name\t: P\nflags\t\t: {flags}\n")
    assert has_bfloat16(cpuinfo) == expected


def test_a_processor_runs_the_graph_without_xla() -> None:
    device = choose_device(TrainingOptions(device="cpu"))
    assert (device.kind, device.precision, device.xla) == ("cpu", "float32", False)
    assert choose_device(TrainingOptions(device="cpu", xla="on")).xla
