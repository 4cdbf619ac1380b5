"""Checkpoints of a training: which are kept, which is taken up, which are refused."""

import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from preprocessing.base import progress
from preprocessing.base.errors import FailureError, InputError
from tests.small_files import files_of_at_most
from tests.trainer.random_models import SMALL, random_model
from tests.trainer.train_steps import make_train_step
from trainer import training_state
from trainer.data import FEATURES
from trainer.divergence import TrainingDiverged
from trainer.gpt2 import GPT2
from trainer.history import History
from trainer.options import TrainingOptions
from trainer.training_state import TrainingState

CONFIG = replace(SMALL, layers=1)


def state_of(model: GPT2, folder: Path, keep: int = 2) -> TrainingState:
    step = make_train_step(model, TrainingOptions(), seed=1)
    # in low memory: what is saved is there
    return TrainingState(
        model, step, folder, TrainingOptions(keep_checkpoints=keep, low_memory=True)
    )


def saved(folder: Path, steps: list[int], keep: int = 2) -> list[GPT2]:
    """Models saved at these steps, each with other weights."""
    models = []
    for step in steps:
        model = random_model(CONFIG, seed=step)
        state_of(model, folder, keep).save(History(step=step, total_steps=99))
        models.append(model)
    return models


def assert_same(first: GPT2, second: GPT2) -> None:
    for name, variable in first.by_name.items():
        np.testing.assert_array_equal(variable, second.by_name[name], err_msg=name)


@pytest.fixture
def messages() -> Any:
    found: list[str] = []
    progress.set_sink(lambda report: found.append(str(report.get("message", ""))))
    yield found
    progress.set_sink(None)


@pytest.mark.parametrize("low_memory", [False, True])
def test_a_checkpoint_that_cannot_be_written_is_told_with_the_remedy(
    tmp_path: Path, low_memory: bool
) -> None:
    """The limit of a file's size stands for a full disk; what was begun makes room again."""
    saved(tmp_path, [9])
    whole = {path: path.read_bytes() for path in tmp_path.iterdir()}
    model = random_model(CONFIG, seed=1)
    step = make_train_step(model, TrainingOptions(), seed=1)
    state = TrainingState(model, step, tmp_path, TrainingOptions(low_memory=low_memory))
    with files_of_at_most(1000), pytest.raises(FailureError) as error, state.kept():
        state.save(History(step=10, total_steps=99))
    assert str(error.value) == (
        f"{tmp_path}/ckpt-10: the checkpoint cannot be written: File too large. Make room for it, or let its "
        "folder be written to, and do the same again: what is complete is kept."
    )
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == whole


def test_without_a_checkpoint_there_is_no_history(tmp_path: Path) -> None:
    assert state_of(GPT2(CONFIG, seed=1), tmp_path / "absent").restore() is None


@pytest.mark.parametrize(("keep", "expected"), [(1, {40}), (2, {9, 40}), (9, {3, 5, 9, 40})])
def test_the_newest_checkpoints_are_kept(tmp_path: Path, keep: int, expected: set[int]) -> None:
    saved(tmp_path, [3, 5, 9, 40], keep)
    assert {int(path.stem[5:]) for path in tmp_path.glob("*.index")} == expected
    assert len(list(tmp_path.iterdir())) == 2 * len(expected)


def test_the_newest_checkpoint_is_taken_up(tmp_path: Path) -> None:
    models = saved(tmp_path, [9, 40])
    model = GPT2(CONFIG, seed=1)
    assert state_of(model, tmp_path).restore() == History(step=40, total_steps=99)
    assert_same(model, models[-1])


def test_what_a_death_left_is_removed_at_the_start(tmp_path: Path) -> None:
    saved(tmp_path, [9])
    whole = set(tmp_path.iterdir())
    for name in (".staged-ckpt-11.index", "ckpt-10.data-00000-of-00001"):
        (tmp_path / name).touch()
    state_of(GPT2(CONFIG, seed=1), tmp_path)
    assert set(tmp_path.iterdir()) == whole


@pytest.mark.parametrize("suffix", [".index", ".data-00000-of-00001"])
@pytest.mark.parametrize("damage", ["truncated", "flipped", "empty"])
def test_a_damaged_checkpoint_gives_way_to_the_one_before(
    tmp_path: Path, messages: list[str], suffix: str, damage: str
) -> None:
    models = saved(tmp_path, [9, 40])
    file = tmp_path / f"ckpt-40{suffix}"
    content = bytearray(file.read_bytes())
    content[len(content) // 3] ^= 0xFF
    file.write_bytes({"truncated": content[:-9], "flipped": content, "empty": b""}[damage])
    model = GPT2(CONFIG, seed=1)
    state = state_of(model, tmp_path)
    assert state.restore() == History(step=9, total_steps=99)
    assert_same(model, models[0])
    assert any("ckpt-40" in m and "going back to the checkpoint before" in m for m in messages)
    # what could not be read is in nobody's way later
    state.save(History(step=10, total_steps=99))
    assert sorted(path.name for path in tmp_path.glob("*.index")) == [
        "ckpt-10.index",
        "ckpt-9.index",
    ]


def test_no_readable_checkpoint_is_an_error_with_files_and_remedy(tmp_path: Path) -> None:
    saved(tmp_path, [9, 40])
    for file in tmp_path.iterdir():
        file.write_bytes(file.read_bytes()[:20])
    with pytest.raises(InputError) as raised:
        state_of(GPT2(CONFIG, seed=1), tmp_path).restore()
    message = str(raised.value)
    assert f"no checkpoint in {tmp_path} can be read; remove it to train from the start" in message
    assert "ckpt-9.index: truncated or damaged" in message
    assert "ckpt-40.index: truncated or damaged" in message


@pytest.mark.parametrize(
    ("config", "told"),
    [
        (replace(CONFIG, width=16), "model/wte: expected shape [61, 16], found [61, 32]"),
        (replace(CONFIG, layers=2), "weights/model/h1/ln_1/g: expected shape [32], found none"),
    ],
)
def test_a_checkpoint_of_another_configuration_is_refused(
    tmp_path: Path, config: Any, told: str
) -> None:
    saved(tmp_path, [9])
    with pytest.raises(
        InputError, match="ckpt-9: a checkpoint of another model or other"
    ) as raised:
        state_of(GPT2(config, seed=1), tmp_path).restore()
    assert told in str(raised.value)
    assert f"remove {tmp_path} to train from the start" in str(raised.value)


def test_a_checkpoint_of_another_optimizer_is_refused(tmp_path: Path) -> None:
    saved(tmp_path, [9])
    without = TrainingState(GPT2(CONFIG, seed=1), tf.Module(), tmp_path, TrainingOptions())
    with pytest.raises(InputError, match=r"training/optimizer/.*: not known here"):
        without.restore()


def test_a_checkpoint_whose_history_is_of_another_version_is_refused(tmp_path: Path) -> None:
    class OfAnother(History):
        def to_json(self) -> str:
            return '{"unknown": 1}'

    model = random_model(CONFIG, seed=1)
    state_of(model, tmp_path).save(OfAnother(step=9))
    with pytest.raises(
        InputError, match=rf"no training history.*; remove {tmp_path} to train anew"
    ):
        state_of(model, tmp_path).restore()


def test_weights_that_are_not_finite_are_not_saved(tmp_path: Path) -> None:
    model = saved(tmp_path, [9])[0]
    weight = model.by_name["model/h0/mlp/c_fc/w"]
    weight.assign(np.where(np.arange(128) == 5, np.nan, weight))
    with pytest.raises(TrainingDiverged, match=r"step 10 weights/model/h0/mlp/c_fc/w .*not finite"):
        state_of(model, tmp_path).save(History(step=10))
    assert [path.name for path in tmp_path.glob("*.index")] == ["ckpt-9.index"]


def test_the_best_weights_stay_until_a_checkpoint_names_better_ones(tmp_path: Path) -> None:
    model = random_model(CONFIG, seed=1)
    state = state_of(model, tmp_path)
    state.save_best(5)
    state.save(History(step=5, best_step=5))
    model.by_name["model/wte"].assign_add(tf_ones(model))
    state.save_best(8)
    # killed here: the checkpoint of step 5 names the weights of step 5, so they have to be there
    assert {path.name for path in tmp_path.glob("best*.index")} == {"best-5.index", "best-8.index"}
    state.save(History(step=10, best_step=8))
    assert [path.name for path in tmp_path.glob("best*.index")] == ["best-8.index"]
    other = GPT2(CONFIG, seed=3)
    state_of(other, tmp_path).restore_best(8)
    assert_same(other, model)
    # and nothing of the optimizer's
    names = {name for name, _ in tf.train.list_variables(str(tmp_path / "best-8"))}
    assert names == {"text", *(f"weights/{name}" for name in model.by_name)}
    file = tmp_path / "best-8.index"
    file.write_bytes(file.read_bytes()[:20])
    with pytest.raises(
        InputError, match=rf"best-8\.index: truncated .*; remove {tmp_path} to train"
    ):
        state_of(other, tmp_path).restore_best(8)


def tf_ones(model: GPT2) -> np.ndarray:
    return np.ones(model.by_name["model/wte"].shape, np.float32)


def test_a_checkpoint_that_is_written_meanwhile_holds_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, may_write = random_model(CONFIG, seed=1), threading.Event()
    expected = {name: variable.numpy() for name, variable in model.by_name.items()}
    step = make_train_step(model, TrainingOptions(), seed=1)
    write = training_state.write_variables

    def waiting(*arguments: Any) -> None:
        may_write.wait(10)
        write(*arguments)

    monkeypatch.setattr(training_state, "write_variables", waiting)
    state = TrainingState(model, step, tmp_path, TrainingOptions())
    with state.kept():
        state.save(History(step=1, total_steps=9))
        batch = {name: tf.ones([2, 8], tf.int32) for name in FEATURES}
        step(batch, tf.constant(0.1), tf.constant(0, tf.int64))
        assert not list(tmp_path.glob("ckpt-*"))
        may_write.set()
    restored = random_model(CONFIG, seed=2)
    state_of(restored, tmp_path).restore()
    for name, value in expected.items():
        np.testing.assert_array_equal(restored.by_name[name], value)
        assert (model.by_name[name].numpy() != value).any()


@pytest.mark.parametrize("further", [True, False])
def test_an_error_of_writing_comes_with_the_next_checkpoint_or_at_the_end_and_then_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, further: bool
) -> None:
    model = random_model(CONFIG, seed=1)
    state = TrainingState(model, tf.Module(), tmp_path, TrainingOptions())
    write = training_state.write_variables

    def failing(*arguments: Any) -> None:
        monkeypatch.setattr(training_state, "write_variables", write)
        raise OSError("the disk is full")

    monkeypatch.setattr(training_state, "write_variables", failing)

    def saving_twice() -> None:
        state.save(History(step=1))
        if further:
            with pytest.raises(FailureError, match="full"):
                state.save(History(step=2))
            state.save(History(step=3))

    if further:
        with state.kept():
            saving_twice()
        assert [path.name for path in tmp_path.glob("*.index")] == ["ckpt-3.index"]
    else:
        with pytest.raises(FailureError, match="full"), state.kept():
            saving_twice()
