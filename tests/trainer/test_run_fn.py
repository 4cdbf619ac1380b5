"""The Trainer's entry point: from files of rows to an export, a history and checkpoints."""

import json
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from components import training
from preprocessing.base.errors import FailureError, InputError
from preprocessing.base.staging import CACHE_TAG
from preprocessing.tokens.vocabulary import load_vocabulary
from tests.trainer.fn_args import tiny_fn_args
from tests.trainer.random_models import random_model
from trainer import run
from trainer.config import GPT2Config
from trainer.gpt2 import GPT2
from trainer.options import CHECKPOINTS_VARIABLE
from trainer.run import base_folder, train_and_export
from trainer.weights.huggingface import write_huggingface
from trainer.weights.openai import write_openai


@pytest.fixture
def fn_args(tmp_path: Path) -> SimpleNamespace:
    return tiny_fn_args(tmp_path)


def settings(fn_args: SimpleNamespace, section: str) -> dict[str, Any]:
    return fn_args.custom_config[section]


@pytest.fixture
def exported(monkeypatch: pytest.MonkeyPatch) -> list[GPT2]:
    """The models that are handed to the export, which takes seconds and is left out."""
    models: list[GPT2] = []
    monkeypatch.setattr(run, "export", lambda model, *_: models.append(model))
    monkeypatch.delenv(CHECKPOINTS_VARIABLE, raising=False)
    return models


def test_a_run_leaves_an_export_a_history_and_checkpoints(
    fn_args: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(CHECKPOINTS_VARIABLE, str(tmp_path / "checkpoints"))
    training.run_fn(fn_args)
    served = tf.saved_model.load(fn_args.serving_model_dir).signatures["serving_default"]
    assert served(prompts=tf.constant(["ab"]))["completions"].shape == [1]
    history = json.loads((tmp_path / "logs" / "history.json").read_text())
    assert [entry["step"] for entry in history["steps"]] == [1, 2]
    assert [entry["step"] for entry in history["validation"]] == [2]
    assert history["device"]
    assert (tmp_path / "checkpoints" / "ckpt-2.index").is_file()
    assert (tmp_path / "checkpoints" / CACHE_TAG).is_file()
    page = (tmp_path / "logs" / "training.html").read_text()
    assert "<svg" in page
    # Of each row all is learnt but the first token.
    assert "7 of them in the loss" in page
    parts = ["model", "reading", "preparation", "first_steps", "steps", "batches"]
    assert {*history["part_seconds"]} == {*parts, "checkpoints", "validation", "export"}
    assert (history["rows"], history["epoch_rows"]) == (4, 6)
    assert (history["tokens"], history["loss_tokens"]) == (32, 28)
    assert len(list((tmp_path / "logs").glob("events.out.tfevents.*"))) == 1


def test_without_validation_rows_there_is_no_validation_loss(
    fn_args: SimpleNamespace, tmp_path: Path, exported: list[GPT2]
) -> None:
    fn_args.eval_files = [str(tmp_path / "nothing*")]
    train_and_export(fn_args)
    history = json.loads((tmp_path / "logs" / "history.json").read_text())
    assert history["validation"] == []
    assert len(exported) == 1
    assert not (tmp_path / "checkpoints").exists()


def write_base(folder: Path, base: GPT2, format_: str) -> None:
    values = {name: v.numpy() for name, v in base.by_name.items()}
    if format_ == "openai":
        write_openai(folder, base.config, values)
    else:
        write_huggingface(folder, base.config, values, end_of_text=256)


@pytest.mark.parametrize("format_", ["openai", "huggingface"])
def test_training_starts_from_the_base_model(
    fn_args: SimpleNamespace, tmp_path: Path, exported: list[GPT2], format_: str
) -> None:
    size = load_vocabulary("bytes").size
    config = GPT2Config(vocabulary_size=size, context=16, width=16, heads=2, layers=1)
    base = random_model(config, seed=8)
    write_base(tmp_path / "base", base, format_)
    fn_args.base_model = str(tmp_path / "base" / "Format-Serving")  # as TFX names it
    settings(fn_args, "training")["learning_rate"] = 0.0
    train_and_export(fn_args)
    for name, variable in base.by_name.items():
        np.testing.assert_array_equal(exported[0].by_name[name], variable)


def test_a_base_model_of_another_size_is_refused(fn_args: SimpleNamespace, tmp_path: Path) -> None:
    config = GPT2Config(vocabulary_size=257, context=16, width=16, heads=2, layers=2)
    base = random_model(config, seed=8)
    write_base(tmp_path / "base", base, "openai")
    fn_args.base_model = str(tmp_path / "base")
    with pytest.raises(
        InputError, match=r"layers 2 in the checkpoint and 1 in model; set model\.layers to 2"
    ):
        train_and_export(fn_args)


def test_rows_longer_than_the_context_are_refused(fn_args: SimpleNamespace) -> None:
    settings(fn_args, "model")["context"] = 4
    with pytest.raises(InputError, match=r"tokens\.sequence_length is 8.*context 4"):
        train_and_export(fn_args)


@pytest.mark.parametrize(
    ("section", "key", "message"),
    [
        (
            "training",
            "batch_size",
            f"training.batch_size {10**12} with training.accumulate 1 and tokens.seq",
        ),
        ("training", "accumulate", f"training.batch_size 2 with training.accumulate {10**12}"),
        ("model", "width", f"model.layers 1, model.width {10**12}, model.context 16: the weights"),
        ("model", "layers", f"model.layers {10**12}, model.width 16"),
        ("model", "context", f"model.layers 1, model.width 16, model.context {10**12}"),
    ],
)
def test_what_no_memory_can_hold_is_refused_before_anything_is_allocated(
    fn_args: SimpleNamespace, section: str, key: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "read_training_rows", None)
    settings(fn_args, section)[key] = 10**12
    with pytest.raises(InputError) as error:
        train_and_export(fn_args)
    assert str(error.value).startswith(message)
    assert re.search(
        r"alone would take .* of memory, and this machine has [0-9.,]+ GiB; lower it$",
        str(error.value),
    )


def test_an_export_that_cannot_be_written_is_told_with_the_remedy(
    fn_args: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise tf.errors.ResourceExhaustedError(None, None, "x/variables; No space left on device")

    monkeypatch.setattr(run, "export", full)
    with pytest.raises(
        FailureError, match=r"Serving: the model cannot be written: No space left on device\. Make"
    ):
        train_and_export(fn_args)


def test_no_row_to_train_on_is_refused(fn_args: SimpleNamespace, tmp_path: Path) -> None:
    fn_args.train_files = [str(tmp_path / "nothing*")]
    with pytest.raises(InputError, match="no token row to train on"):
        train_and_export(fn_args)


def test_a_serving_folder_that_exists_is_the_base_folder(tmp_path: Path) -> None:
    serving = tmp_path / "Format-Serving"
    assert base_folder(str(serving)) == tmp_path
    serving.mkdir()
    assert base_folder(str(serving)) == serving
    assert base_folder(str(tmp_path / "absent")) == tmp_path / "absent"
