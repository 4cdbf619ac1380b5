"""Weights from outside, in every format that is read, told apart by what lies in the folder.

A format is a module with three functions (`Format`); each is a table of names: every name is used
once and every shape is checked before the first value is read, or nothing loads.
"""

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Protocol

import numpy as np

from preprocessing.base.errors import InputError
from trainer.config import GPT2Config
from trainer.gpt2 import GPT2, Precision
from trainer.weights import exported, huggingface, keras_h5, openai


class Format(Protocol):
    """What each format's module offers."""

    def recognises(self, path: Path) -> bool:
        """Whether a folder or file looks like this format (the weights are not looked at)."""

    def read_config(self, path: Path) -> GPT2Config:
        """The shape that the path declares; InputError where it declares none."""

    def tensors(self, path: Path, config: GPT2Config) -> Iterator[tuple[str, np.ndarray]]:
        """Name (as in `gpt2.variable_shapes`) and float32 value of every variable, one at a time.

        Raises InputError, all differences together, before the first value; and at a value that
        cannot be read.
        """


FORMATS: tuple[Format, ...] = (exported, openai, huggingface, keras_h5)


def read_config(folder: Path) -> GPT2Config:
    """The shape of the model in a path; InputError where there is none."""
    return _format_of(folder).read_config(folder)


def read_weights(folder: Path) -> tuple[GPT2Config, dict[str, np.ndarray]]:
    """Config and float32 variables by name, all of them read and checked.

    Raises InputError where a file is missing, truncated or unreadable, and where names or shapes
    differ from those of the config: all differences together.
    """
    format_ = _format_of(folder)
    config = format_.read_config(folder)
    return config, dict(format_.tensors(folder, config))


def load_into(model: GPT2, folder: Path) -> None:
    """Fill a model with the variables in a path, one after the other.

    Raises InputError as `read_weights` does, and where the path's config is not the model's.
    """
    format_ = _format_of(folder)
    config = format_.read_config(folder)
    if config != model.config:
        raise InputError(
            f"{folder}: the checkpoint is not of the shape that model.size gives: "
            + _differences(config, model.config)
            + "; set model.size, or tokens.vocabulary, to that of the checkpoint"
        )
    for name, value in format_.tensors(folder, config):
        model.by_name[name].assign(value)


def load_model(folder: Path, precision: Precision = "float32") -> GPT2:
    """A model of the shape and with the weights in a path; raises as `read_weights`."""
    model = GPT2(read_config(folder), precision=precision)
    load_into(model, folder)
    return model


def _format_of(path: Path) -> Format:
    """The format of a path; InputError where it is none of them."""
    for format_ in FORMATS:
        if format_.recognises(path):
            return format_
    found = "a folder without them" if path.is_dir() else "no such folder or file"
    found = "another file (of a folder, name the folder)" if path.is_file() else found
    raise InputError(
        f"{path}: no weights; expected hparams.json (an OpenAI checkpoint), config.json (Hugging "
        f"Face), saved_model.pb (an exported model) or a file .h5, found {found}"
    )


def _differences(found: GPT2Config, expected: GPT2Config) -> str:
    """The fields in which two configs differ, with both values."""
    ours = asdict(expected)
    return ", ".join(
        f"{name} {value} in the checkpoint and {ours[name]} in model"
        for name, value in asdict(found).items()
        if value != ours[name]
    )
