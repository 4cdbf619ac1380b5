"""Weights from outside, in every format that is read, told apart by what lies in the folder.

A format is a table of names (`Format`): every name is used once and every shape is checked before
the first value is read, or nothing loads.
"""

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import numpy as np

from preprocessing.base.errors import InputError
from trainer.config import SIZES, GPT2Config
from trainer.weights.exported import Exported
from trainer.weights.format import Format
from trainer.weights.huggingface import HuggingFace
from trainer.weights.keras_h5 import KerasH5
from trainer.weights.openai import OpenAI

_VOCABULARY = "vocabulary_size"

FORMATS: tuple[Format, ...] = (Exported(), OpenAI(), HuggingFace(), KerasH5())


def read_config(folder: Path) -> GPT2Config:
    """The shape of the model in a path; InputError where there is none."""
    return _format_of(folder).read_config(folder)


def tensors(folder: Path, config: GPT2Config) -> Iterator[tuple[str, np.ndarray]]:
    """The variables in a path by name, as `Format.tensors` gives and checks them."""
    return _format_of(folder).tensors(folder, config)


def read_weights(folder: Path) -> tuple[GPT2Config, dict[str, np.ndarray]]:
    """Config and float32 variables by name, all of them read and checked.

    Raises InputError where a file is missing, truncated or unreadable, and where names or shapes
    differ from those of the config: all differences together.
    """
    config = read_config(folder)
    return config, dict(tensors(folder, config))


def require_usable(folder: Path, config: GPT2Config) -> None:
    """InputError where a path has no weights of this shape from which anything could be learned.

    All of them are read, one after the other.
    """
    require_shape(folder, config)
    for name, value in tensors(folder, config):
        if not np.isfinite(value).all():
            raise InputError(
                f"{folder}: {name} holds NaN or infinity; take another copy of the model, or an earlier "
                "checkpoint of its training"
            )


def require_shape(folder: Path, config: GPT2Config) -> None:
    """InputError where the model in a path is of another shape."""
    theirs, ours = asdict(read_config(folder)), asdict(config)
    other = [name for name, value in theirs.items() if value != ours[name]]
    if not other:
        return
    remedies = [f"set model.{name} to {theirs[name]}" for name in other if name != _VOCABULARY]
    for size, shape in SIZES.items():
        if remedies and theirs == asdict(shape) | {_VOCABULARY: theirs[_VOCABULARY]}:
            remedies = [f"set model.size to {size}, with its own layers, heads, width and context"]
    if _VOCABULARY in other:
        remedies.append("set tokens.vocabulary to the checkpoint's")
    found = (f"{name} {theirs[name]} in the checkpoint and {ours[name]} in model" for name in other)
    raise InputError(
        f"{folder}: the checkpoint is of another shape: {', '.join(found)}; {'; '.join(remedies)}"
    )


def _format_of(path: Path) -> Format:
    """The format of a path; InputError where it is none of them."""
    for kind in FORMATS:
        if kind.recognises(path):
            return kind
    found = "a folder without them" if path.is_dir() else "no such folder or file"
    found = "another file (of a folder, name the folder)" if path.is_file() else found
    raise InputError(
        f"{path}: no weights; expected hparams.json (an OpenAI checkpoint), config.json (Hugging "
        f"Face), saved_model.pb (an exported model) or a file .h5, found {found}"
    )
