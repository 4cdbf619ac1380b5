"""The training loop: it learns, counts right, resumes bit for bit, stops early or when it diverges."""

import json
import math
import os
import re
import shutil
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
import pytest
import tensorflow as tf

from preprocessing.base import progress
from preprocessing.base.errors import InputError
from tests.trainer.random_models import SMALL, random_model
from tests.trainer.token_rows import counting_rows
from tests.trainer.train_steps import HERE, train_here
from trainer import training
from trainer.bounds import ANY_NUMBER
from trainer.data import FEATURES, TokenRows, in_loss
from trainer.divergence import TrainingDiverged
from trainer.gpt2 import GPT2
from trainer.history import History
from trainer.loss import summed_loss
from trainer.operations import Operations
from trainer.options import TrainingOptions
from trainer.output_layer import WHOLE, OutputLayer
from trainer.part_times import Pace
from trainer.termination import Termination
from trainer.validation import evaluation_loss, mean_loss

OPTIONS = TrainingOptions(
    steps=12,
    batch_size=4,
    learning_rate=1e-2,
    warmup_steps=2,
    dropout=0.1,
    validate_every=5,
    checkpoint_every=5,
    log_every=3,
)
ROWS = counting_rows(10)
NO_ROWS = counting_rows(0)
ONE_LAYER = replace(SMALL, layers=1)


def weights(model: GPT2) -> dict[str, np.ndarray]:
    return {name: variable.numpy() for name, variable in model.by_name.items()}


class Uninterrupted(NamedTuple):
    """A training from start to end, with what it left and said."""

    model: GPT2
    history: History
    folder: Path
    reports: list[dict[str, Any]]


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> Uninterrupted:
    folder = tmp_path_factory.mktemp("checkpoints")
    reports: list[dict[str, Any]] = []
    progress.set_sink(reports.append)
    model = GPT2(ONE_LAYER, seed=1)
    meter = SimpleNamespace(measures=["processor"], joules=lambda: 0.5)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "EnergyMeter", lambda gpu: meter)
        history = train_here(model, ROWS, ROWS, OPTIONS, seed=3, checkpoint_folder=folder)
    progress.set_sink(None)
    return Uninterrupted(model, history, folder, reports)


def assert_same_weights(first: GPT2, second: GPT2) -> None:
    for name, value in weights(first).items():
        np.testing.assert_array_equal(value, weights(second)[name], err_msg=name)


def test_the_loss_falls_until_the_rows_are_known_by_heart() -> None:
    model = GPT2(SMALL, seed=1)
    options = replace(OPTIONS, steps=80, dropout=0.0, log_every=1)
    history = train_here(model, ROWS, ROWS, options, seed=3)
    assert history.steps[0]["loss"] == pytest.approx(np.log(61), abs=0.1)
    assert history.validation[-1]["loss"] < 0.3
    # each id follows the one before it: greedy continuations count on
    logits = model(tf.constant(ROWS.features["input_ids"]))
    predicted = tf.argmax(logits, axis=-1).numpy()
    assert (predicted[:, 1:-1] == ROWS.features["input_ids"][:, 2:]).mean() > 0.95


def test_bfloat16_learns_too_and_keeps_float32_weights() -> None:
    model = GPT2(SMALL, seed=1, precision="bfloat16")
    options = replace(OPTIONS, steps=40, dropout=0.0, precision="bfloat16")
    history = train_here(model, ROWS, ROWS, options, seed=3)
    assert history.validation[-1]["loss"] < 1.5
    assert {variable.dtype for variable in model.by_name.values()} == {tf.float32}


@pytest.mark.parametrize("kind", [np.array, tf.constant])
def test_only_masked_tokens_of_the_same_segment_count(kind: Callable[..., Any]) -> None:
    loss_mask, segment_ids = kind([[0, 0, 1, 0, 1, 0]]), kind([[1, 1, 1, 2, 2, 0]])
    counted = np.array(in_loss(loss_mask, segment_ids))
    assert counted.tolist() == [[False, True, False, True, False]]
    # a mask that is set where it cannot hold: the first of a segment, and padding
    everywhere = np.array(in_loss(kind([[1] * 7]), kind([[1, 1, 1, 2, 2, 0, 0]])))
    assert everywhere.tolist() == [[True, True, False, True, False, False]]


@pytest.mark.parametrize("most", [ANY_NUMBER, 2])
@pytest.mark.parametrize(
    "layer", [WHOLE, OutputLayer(1), OutputLayer(3, columns=8), OutputLayer(1, adds_up=False)]
)
def test_the_loss_is_the_mean_over_the_tokens_that_count(
    most: int | None, layer: OutputLayer
) -> None:
    hidden = tf.math.log([[[0.5, 0.25, 0.25]] * 4])
    batch = {
        "input_ids": tf.constant([[0, 0, 1, 2]]),
        "loss_mask": tf.constant([[0, 1, 0, 1]]),
        "segment_ids": tf.constant([[1, 1, 1, 1]]),
    }
    total, count = summed_loss(hidden, tf.eye(3), batch, Operations(), layer._replace(most=most))
    assert float(count) == 2
    assert float(total) == pytest.approx(np.log(2) + np.log(4))


def test_a_compiled_loss_in_pieces_computes_no_gradient_that_nobody_asks_for() -> None:
    batch = {name: tf.ones([2, 9], tf.int32) for name in FEATURES}
    given = tf.ones([2, 9, 4]), tf.ones([50, 4])

    @tf.function(jit_compile=True, autograph=False)
    def loss(hidden: tf.Tensor, wte: tf.Tensor) -> tf.Tensor:
        return summed_loss(hidden, wte, batch, Operations(), OutputLayer(4, most=16))[0]

    text = loss.experimental_get_compiler_ir(*given)(stage="optimized_hlo")
    assert len(re.findall(r" dot\(", text)) == 1  # the logits


def test_the_validation_loss_does_not_depend_on_the_batch_size() -> None:
    model = random_model(SMALL, seed=2)
    loss_function = evaluation_loss(model, HERE)
    one, four, sixteen = (mean_loss(loss_function, ROWS, size) for size in (1, 4, 16))
    assert four == pytest.approx(one, rel=1e-5)
    assert sixteen == pytest.approx(one, rel=1e-5)


def test_rows_without_a_token_in_the_loss_have_no_validation_loss() -> None:
    silent = TokenRows({**ROWS.features, "loss_mask": np.zeros_like(ROWS.features["loss_mask"])})
    assert mean_loss(evaluation_loss(GPT2(ONE_LAYER, seed=1), HERE), silent, 4) is None
    history = train_here(GPT2(ONE_LAYER, seed=1), silent, silent, replace(OPTIONS, steps=2), seed=1)
    assert history.validation == []
    assert history.steps[-1]["loss"] == 0


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_validation_loss_that_is_not_finite_is_divergence(value: float) -> None:
    def loss(batch: object) -> tuple[tf.Tensor, tf.Tensor]:
        return tf.constant(value), tf.constant(3.0)

    with pytest.raises(TrainingDiverged, match=r"the validation loss is (nan|inf); lower"):
        mean_loss(loss, ROWS, 4)


class KilledError(Exception):
    """Stands for a process that dies."""


@pytest.mark.parametrize("death", [4, 7, 11])
def test_a_resumed_training_equals_an_uninterrupted_one_bit_for_bit(
    uninterrupted: Uninterrupted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, death: int
) -> None:
    def die(**fields: Any) -> None:
        if fields.get("step", 0) >= death:
            raise KilledError

    with monkeypatch.context() as patch:
        patch.setattr(progress, "report", die)
        with pytest.raises(KilledError):
            train_here(
                GPT2(ONE_LAYER, seed=1), ROWS, ROWS, OPTIONS, seed=3, checkpoint_folder=tmp_path
            )

    saved = death > OPTIONS.checkpoint_every
    assert any(tmp_path.glob("ckpt-*.index")) == saved
    # where there is a checkpoint, nothing of the new model's own weights may be left
    resumed = GPT2(ONE_LAYER, seed=99 if saved else 1)
    history = train_here(resumed, ROWS, ROWS, OPTIONS, seed=3, checkpoint_folder=tmp_path)
    expected = uninterrupted.history
    assert_same_weights(uninterrupted.model, resumed)
    assert history.validation == expected.validation
    for name in ("step", "loss", "learning_rate", "gradient_norm"):
        assert [e[name] for e in history.steps] == [e[name] for e in expected.steps]


@pytest.mark.parametrize("asked_at", [3, 7])
def test_a_sigterm_costs_no_step(
    uninterrupted: Uninterrupted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked_at: int
) -> None:
    def ask(**fields: Any) -> None:
        if fields.get("step") == asked_at and fields["phase"] == "train":
            os.kill(os.getpid(), signal.SIGTERM)

    def end(_: Termination) -> None:
        raise KilledError

    with monkeypatch.context() as patch:
        patch.setattr(progress, "report", ask)
        patch.setattr(Pace, "steps_in", lambda *_: 1)
        patch.setattr(Termination, "end_process", end)
        # what ends a process that was asked to end
        earlier = signal.signal(signal.SIGTERM, lambda *_: None)
        try:
            with pytest.raises(KilledError):
                train_here(
                    GPT2(ONE_LAYER, seed=1), ROWS, ROWS, OPTIONS, seed=3, checkpoint_folder=tmp_path
                )
        finally:
            signal.signal(signal.SIGTERM, earlier)

    assert (tmp_path / f"ckpt-{asked_at}.index").exists()
    resumed = GPT2(ONE_LAYER, seed=99)
    history = train_here(resumed, ROWS, ROWS, OPTIONS, seed=3, checkpoint_folder=tmp_path)
    assert_same_weights(uninterrupted.model, resumed)
    for name in ("step", "loss", "learning_rate", "gradient_norm"):
        assert [e[name] for e in history.steps] == [e[name] for e in uninterrupted.history.steps]


@pytest.mark.parametrize("most", [1, 2, 100])
def test_steps_of_one_call_do_what_the_same_steps_of_many_do(
    uninterrupted: Uninterrupted, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    monkeypatch.setattr(Pace, "steps_in", lambda *_: most)
    model = GPT2(ONE_LAYER, seed=1)
    history = train_here(model, ROWS, ROWS, OPTIONS, seed=3)
    assert_same_weights(uninterrupted.model, model)
    assert history.validation == uninterrupted.history.validation


RISING = replace(OPTIONS, steps=40, learning_rate=0.3, schedule="constant", validate_every=2)


def test_training_stops_where_the_validation_loss_no_longer_falls(tmp_path: Path) -> None:
    options = replace(RISING, early_stopping=2)
    history = train_here(
        GPT2(ONE_LAYER, seed=1), ROWS, ROWS, options, seed=3, checkpoint_folder=tmp_path
    )
    assert history.stopped_early
    assert history.step == history.steps[-1]["step"] == history.best_step + 4 < 40
    # what has ended is not trained on
    again = train_here(
        GPT2(ONE_LAYER, seed=9), ROWS, ROWS, options, seed=3, checkpoint_folder=tmp_path
    )
    assert replace(again, part_seconds=history.part_seconds) == history


def test_the_best_weights_are_kept_over_a_death(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = replace(RISING, steps=20, learning_rate=0.02, keep_best=True, checkpoint_every=5)
    backwards = {**ROWS.features, "input_ids": ROWS.features["input_ids"][:, ::-1]}
    unlike = TokenRows(backwards)  # what is learned from the rows soon makes these less likely

    def trained(name: str) -> tuple[GPT2, History]:
        model = GPT2(ONE_LAYER, seed=1)
        folder = tmp_path / name
        return model, train_here(model, ROWS, unlike, options, seed=3, checkpoint_folder=folder)

    model, history = trained("whole")
    losses = {entry["step"]: entry["loss"] for entry in history.validation}
    assert history.best_step == min(losses, key=losses.__getitem__) < 20
    best = mean_loss(evaluation_loss(model, HERE), unlike, 4)
    assert best == pytest.approx(losses[history.best_step], abs=1e-6)
    with monkeypatch.context() as patch:

        def die(**fields: Any) -> None:
            if fields.get("step", 0) > 15:
                raise KilledError

        patch.setattr(progress, "report", die)
        with pytest.raises(KilledError):
            trained("killed")
    assert_same_weights(model, trained("killed")[0])


@pytest.mark.parametrize("name", ["early_stopping", "keep_best"])
def test_what_goes_by_the_validation_loss_needs_one(tmp_path: Path, name: str) -> None:
    options = replace(OPTIONS, **{name: True})
    with pytest.raises(InputError, match=rf"training\.{name} goes by.*raise corpus\.validation"):
        train_here(
            GPT2(ONE_LAYER, seed=1), ROWS, NO_ROWS, options, seed=3, checkpoint_folder=tmp_path
        )
    if name == "keep_best":
        with pytest.raises(InputError, match="needs a folder of checkpoints"):
            train_here(GPT2(ONE_LAYER, seed=1), ROWS, ROWS, options, seed=3)


@pytest.mark.parametrize(("rate", "differ"), [(0.5, True), (0.0, False)])
def test_every_step_drops_other_activations(rate: float, differ: bool) -> None:
    one_row = counting_rows(1)
    options = replace(OPTIONS, steps=2, batch_size=1, learning_rate=0.0, dropout=rate, log_every=1)
    history = train_here(random_model(ONE_LAYER, seed=2), one_row, NO_ROWS, options, seed=3)
    first, second = (entry["loss"] for entry in history.steps)
    assert (first != second) == differ


def test_another_seed_trains_another_model(uninterrupted: Uninterrupted) -> None:
    other = GPT2(ONE_LAYER, seed=1)
    train_here(other, ROWS, NO_ROWS, OPTIONS, seed=4)
    assert not np.array_equal(
        weights(other)["model/wte"], weights(uninterrupted.model)["model/wte"]
    )


def test_a_finished_training_is_not_trained_again(
    uninterrupted: Uninterrupted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(uninterrupted.folder, folder)
    model = GPT2(ONE_LAYER, seed=99)
    meter = SimpleNamespace(measures=["GPU"])
    monkeypatch.setattr(training, "EnergyMeter", lambda gpu: meter)
    elsewhere = HERE._replace(name="Another")
    history = training.train(
        model, ROWS, ROWS, OPTIONS, seed=3, device=elsewhere, checkpoint_folder=folder
    )
    assert_same_weights(model, uninterrupted.model)
    assert history.steps == uninterrupted.history.steps
    for name in ("device", "precision", "joules", "energy_of"):
        assert getattr(history, name) == getattr(uninterrupted.history, name), name
    # What the earlier process took is in it, and what it read.
    earlier = json.loads(uninterrupted.history.to_json())["part_seconds"]
    assert history.part_seconds["steps"] == pytest.approx(earlier["steps"])
    assert history.part_seconds["preparation"] > earlier["preparation"]
    assert history.rows == uninterrupted.history.rows == 12 * OPTIONS.batch_size


def test_two_checkpoints_are_kept(uninterrupted: Uninterrupted) -> None:
    kept = sorted(path.name for path in uninterrupted.folder.glob("*.index"))
    assert kept == ["ckpt-10.index", "ckpt-12.index"]


def test_a_loss_that_is_not_finite_stops_with_step_and_remedy(tmp_path: Path) -> None:
    options = replace(OPTIONS, learning_rate=1e30, warmup_steps=0, clip_norm=None)
    with pytest.raises(TrainingDiverged, match=r"step \d+.*lower training\.learning_rate"):
        train_here(
            GPT2(ONE_LAYER, seed=1), ROWS, NO_ROWS, options, seed=3, checkpoint_folder=tmp_path
        )
    assert not any(tmp_path.glob("ckpt-*"))


def test_progress_is_reported_after_every_call(uninterrupted: Uninterrupted) -> None:
    reports = [report for report in uninterrupted.reports if report["phase"] == "train"]
    steps = [report["step"] for report in reports]
    assert steps == sorted(set(steps))
    # a call never goes beyond a step after which something is due
    assert {3, 5, 6, 9, 10, 12} <= set(steps)
    fields = {"phase", "step", "steps", "loss", "tokens_per_s", "seconds_left"}
    for report in reports:
        assert set(report) == fields | ({"validation_loss"} if report["step"] > 5 else set())
        assert report["steps"] == 12
    assert reports[-1]["seconds_left"] == 0
    assert reports[-1]["tokens_per_s"] > 0
    others = {report["phase"] for report in uninterrupted.reports if report not in reports}
    assert others == {"validate", "save a checkpoint"}


def test_the_energy_of_every_call_is_added_up(uninterrupted: Uninterrupted) -> None:
    calls = sum(report["phase"] == "train" for report in uninterrupted.reports)
    assert uninterrupted.history.joules == 0.5 * calls
    assert uninterrupted.history.energy_of == ["processor"]


def test_the_history_is_a_json_document_of_the_agreed_form(uninterrupted: Uninterrupted) -> None:
    document = json.loads(uninterrupted.history.to_json())
    assert document["precision"] == "float32"
    assert document["step"] == document["total_steps"] == 12
    assert document["skipped_steps"] == 0
    assert set(document["steps"][0]) == {
        "step",
        "loss",
        "learning_rate",
        "gradient_norm",
        "tokens_per_s",
    }
    assert [entry["step"] for entry in document["steps"]] == [3, 6, 9, 12]
    assert [entry["step"] for entry in document["validation"]] == [5, 10, 12]
    assert document["parameters"] == ONE_LAYER.parameters
    assert document["seconds"] > 0
