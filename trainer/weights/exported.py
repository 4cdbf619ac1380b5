"""Our own exported SavedModel: its variables, and the shape in its metadata."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from preprocessing.base.errors import InputError
from trainer.config import GPT2Config, variable_shapes
from trainer.export_layout import EXACT_WEIGHTS, METADATA_FILE
from trainer.weights import tf_checkpoint
from trainer.weights.checking import read_json_object

# where an export has the variables; TensorFlow writes a slash inside a name as `.S`
_BY_NAME, _VALUE = "model/by_name/", "/.ATTRIBUTES/VARIABLE_VALUE"


def recognises(path: Path) -> bool:
    """Whether a path looks like a SavedModel."""
    return (path / "saved_model.pb").is_file()


def read_metadata(path: Path) -> dict[str, Any]:
    """What the export says of itself; InputError where it was not made by this project."""
    return read_json_object(path / METADATA_FILE, "load a model that `gpt2-tfx` exported")


def read_config(path: Path) -> GPT2Config:
    """The config in an export's metadata; InputError where there is none."""
    metadata = read_metadata(path)
    try:
        return GPT2Config(**metadata["config"])
    except (KeyError, TypeError) as error:
        raise InputError(
            f"{path / METADATA_FILE}: config is {metadata.get('config')!r}, which is no shape of a "
            "GPT-2; load a model that `gpt2-tfx` exported"
        ) from error


def tensors(path: Path, config: GPT2Config) -> Iterator[tuple[str, np.ndarray]]:
    """Name and value of every variable, as `weights.Format` says."""
    exact = path / EXACT_WEIGHTS
    if exact.with_name(f"{exact.name}.index").is_file():
        keys = {name: name for name in variable_shapes(config)}
        # beside the variables lies the text that every such file has
        return tf_checkpoint.read(
            exact, config, str(METADATA_FILE), keys, lambda key: key == "text"
        )
    keys = {
        name: f"{_BY_NAME}{name.replace('/', '.S')}{_VALUE}" for name in variable_shapes(config)
    }
    prefix = path / "variables" / "variables"
    # the others are the tokenizer's, or TensorFlow's own
    return tf_checkpoint.read(
        prefix, config, str(METADATA_FILE), keys, lambda key: not key.startswith(_BY_NAME)
    )
