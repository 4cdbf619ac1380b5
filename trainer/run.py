"""A training as a node makes it: options, device, data, base weights, training, logs, export, together."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np

from preprocessing.base import progress
from preprocessing.base.errors import InputError
from preprocessing.base.file_watch import check_unchanged_since
from preprocessing.base.memory import require_memory
from preprocessing.base.staging import make_cache_folder
from preprocessing.tokens.vocabulary import Vocabulary, load_vocabulary
from trainer.compilation_cache import keep_compiled_programs
from trainer.config import GPT2Config, model_config
from trainer.data import FEATURES, Batch
from trainer.device import choose_device
from trainer.export import export
from trainer.gpt2 import GPT2
from trainer.history import HISTORY_FILE, History
from trainer.host_memory import return_freed_memory
from trainer.options import (
    BASE_STATS_VARIABLE,
    CHECKPOINTS_VARIABLE,
    GenerationOptions,
    ModelOptions,
    TrainingOptions,
)
from trainer.part_times import EXPORT, MODEL, READING, PartTimes
from trainer.row_files import read_rows, read_training_rows
from trainer.stored_tensors import writing
from trainer.training import train
from trainer.weights.loading import load_into

_SERVING_FOLDERS = ("Format-Serving", "serving_model_dir")  # what TFX appends, now and formerly


class FnArgs(Protocol):
    """The attributes of TFX's `FnArgs` that are read here."""

    train_files: list[str]
    eval_files: list[str]
    base_model: str | None
    serving_model_dir: str
    model_run_dir: str
    custom_config: Mapping[str, Any]


class Trained(NamedTuple):
    """What a page tells of a training: its history, the rows of its first step, what their ids are."""

    history: History
    first_batch: Batch
    vocabulary: Vocabulary


def train_and_export(fn_args: FnArgs) -> Trained:
    """Train as `fn_args.custom_config` says, export to `serving_model_dir`, log to `model_run_dir`.

    custom_config: `model` and `training` (the options as dicts), `vocabulary`, `seed`,
        `sequence_length` and `random_windows` (see `read_training_rows`).
    Checkpoints go to the folder that the environment variable GPT2_TFX_CHECKPOINTS names, and
    training resumes from there: a path among the parameters would change the node's key.
    Raises FailureError where a checkpoint or the export cannot be written, and InputError where the memory of the
    machine could never hold what the options ask for.
    """
    times = PartTimes(MODEL)
    settings = fn_args.custom_config
    model_options = ModelOptions(**settings["model"])
    training_options = TrainingOptions(**settings["training"])
    if training_options.low_memory:
        return_freed_memory()
    keep_compiled_programs()
    device = choose_device(training_options)
    progress.report(message=f"training on {device}")
    vocabulary = load_vocabulary(settings["vocabulary"])
    config = model_config(model_options, vocabulary.size)
    sequence_length, seed = settings["sequence_length"], settings["seed"]
    _require_fitting_rows(config, sequence_length)
    _require_memory(config, training_options, sequence_length)

    times.begin(READING)
    rows = read_training_rows(fn_args.train_files, sequence_length, settings["random_windows"])
    validation = read_rows(fn_args.eval_files, sequence_length)
    times.begin(MODEL)
    if fn_args.base_model:
        model = GPT2(config, precision=device.precision)
        load_into(model, base_folder(fn_args.base_model))
        if BASE_STATS_VARIABLE in os.environ:
            check_unchanged_since(Path(os.environ[BASE_STATS_VARIABLE]), "Trainer read it")
    else:
        model = GPT2(config, seed=seed, precision=device.precision)

    checkpoints, logs = os.environ.get(CHECKPOINTS_VARIABLE), Path(fn_args.model_run_dir)
    history = train(
        model,
        rows,
        validation,
        training_options,
        seed=seed,
        device=device,
        checkpoint_folder=make_cache_folder(Path(checkpoints)) if checkpoints else None,
        event_folder=logs,
        times=times,
    )
    times.begin(EXPORT)
    progress.report(phase="export")
    folder = Path(fn_args.serving_model_dir)
    with writing("the model", folder):
        # Pusher writes the defaults that are configured.
        export(model, vocabulary, GenerationOptions(), folder)
    times.end()
    (logs / HISTORY_FILE).write_text(history.to_json(), encoding="utf-8")
    rows_a_step = training_options.batch_size * training_options.accumulate
    return Trained(history, rows.training_batch(0, rows_a_step, seed), vocabulary)


def base_folder(base_model: str) -> Path:
    """The checkpoint's folder; TFX names a folder in it for serving, which no import has."""
    path = Path(base_model)
    return path.parent if path.name in _SERVING_FOLDERS and not path.is_dir() else path


def _require_fitting_rows(config: GPT2Config, sequence_length: int) -> None:
    """InputError where a row is longer than what the model can see."""
    if sequence_length > config.context:
        raise InputError(
            f"tokens.sequence_length is {sequence_length}, longer than the model's context "
            f"{config.context}; lower it or raise model.context"
        )


def _require_memory(config: GPT2Config, options: TrainingOptions, sequence_length: int) -> None:
    """InputError where the weights alone, or the ids of a step, are more than the machine's memory."""
    require_memory(
        f"model.layers {config.layers}, model.width {config.width}, model.context {config.context}",
        "the weights alone",
        config.parameters * np.dtype(np.float32).itemsize,
    )
    rows = options.batch_size * options.accumulate
    require_memory(
        f"training.batch_size {options.batch_size} with training.accumulate {options.accumulate} and "
        f"tokens.sequence_length {sequence_length}",
        "the ids of one step alone",
        rows * sequence_length * len(FEATURES) * np.dtype(np.int32).itemsize,
    )
