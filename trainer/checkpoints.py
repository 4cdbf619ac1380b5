"""OpenAI's TF1 checkpoint folders, in and out.

A folder holds `hparams.json` and a TensorFlow checkpoint, `model.ckpt.index` and
`model.ckpt.data-00000-of-00001` (OpenAI's also `model.ckpt.meta`, `checkpoint` and the vocabulary,
which are not read here). The loader is the table of names and shapes of `gpt2.variable_shapes`:
every name is used once and every shape is checked, or nothing loads.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from preprocessing.errors import InputError
from trainer.config import GPT2Config
from trainer.gpt2 import GPT2, Precision, variable_shapes

PREFIX = "model.ckpt"
HPARAMS = "hparams.json"
HPARAMS_NAMES = {
    "n_vocab": "vocabulary_size",
    "n_ctx": "context",
    "n_embd": "width",
    "n_head": "heads",
    "n_layer": "layers",
}
_REMEDY = "copy or download the checkpoint again"


def expected_shapes(config: GPT2Config) -> dict[str, tuple[int, ...]]:
    """Name and shape of every variable of a checkpoint of this config, in the model's order."""
    return variable_shapes(config)


def is_openai(folder: Path) -> bool:
    """Whether a folder looks like an OpenAI checkpoint (its content is not looked at)."""
    return (folder / HPARAMS).is_file()


def read_config(folder: Path) -> GPT2Config:
    """The config in a checkpoint folder's `hparams.json`; InputError where it has none."""
    path = folder / HPARAMS
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(
            f"{path}: there is no such file; an OpenAI checkpoint folder holds {HPARAMS}, "
            f"{PREFIX}.index and {PREFIX}.data-00000-of-00001"
        ) from None
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: not readable as JSON ({error}); {_REMEDY}") from error
    missing = sorted(set(HPARAMS_NAMES) - set(content)) if isinstance(content, dict) else None
    if missing is None or missing:
        found = f"{', '.join(missing)} missing" if missing else "not a JSON object"
        raise InputError(f"{path}: {found}; it must give {', '.join(HPARAMS_NAMES)}")
    try:
        return GPT2Config(**{ours: content[theirs] for theirs, ours in HPARAMS_NAMES.items()})
    except InputError as error:
        raise InputError(*(f"{path}: {message}" for message in error.messages)) from None


def read_openai(folder: Path) -> tuple[GPT2Config, dict[str, np.ndarray]]:
    """Config and float32 variables by name of a checkpoint folder, all of them read and checked.

    Raises InputError where a file is missing, truncated or unreadable, and where names or shapes
    differ from those of the config: all differences together.
    """
    config = read_config(folder)
    return config, dict(_tensors(folder, config))


def load_into(model: GPT2, folder: Path) -> None:
    """Fill a model with the variables of a checkpoint folder, one after the other.

    Raises InputError as `read_openai` does, and where the folder's config is not the model's.
    """
    config = read_config(folder)
    if config != model.config:
        raise InputError(
            f"{folder / HPARAMS}: the checkpoint is not of the shape that model.size gives: "
            + _differences(config, model.config)
            + "; set model.size to the size of the checkpoint"
        )
    for name, value in _tensors(folder, config):
        model.by_name[name].assign(value)


def load_model(folder: Path, precision: Precision = "float32") -> GPT2:
    """A model of the shape and with the weights of a checkpoint folder; raises as `read_openai`."""
    model = GPT2(read_config(folder), precision=precision)
    load_into(model, folder)
    return model


def write_openai(folder: Path, config: GPT2Config, variables: Mapping[str, np.ndarray]) -> None:
    """Write a checkpoint folder that OpenAI's own code reads.

    variables: the value of every name of `expected_shapes(config)`; ValueError where one is
        missing, unknown or of another shape.
    """
    faults = _faults({name: tuple(np.shape(value)) for name, value in variables.items()}, config)
    if faults:
        raise ValueError("\n".join(faults))
    folder.mkdir(parents=True, exist_ok=True)
    names = sorted(variables)
    tf.raw_ops.SaveV2(
        prefix=str(folder / PREFIX),
        tensor_names=names,
        shape_and_slices=[""] * len(names),
        tensors=[tf.constant(variables[name], tf.float32) for name in names],
    )
    state = f'model_checkpoint_path: "{PREFIX}"\nall_model_checkpoint_paths: "{PREFIX}"\n'
    (folder / "checkpoint").write_text(state, encoding="utf-8")
    hparams = {theirs: getattr(config, ours) for theirs, ours in HPARAMS_NAMES.items()}
    (folder / HPARAMS).write_text(json.dumps(hparams, indent=2) + "\n", encoding="utf-8")


def _tensors(folder: Path, config: GPT2Config) -> Iterator[tuple[str, np.ndarray]]:
    """Name and value of every variable, one at a time, after all names and shapes are checked."""
    index = folder / f"{PREFIX}.index"
    if not index.is_file():
        raise InputError(f"{index}: there is no such file; {_REMEDY}")
    try:
        reader = tf.train.load_checkpoint(str(folder / PREFIX))
        found = reader.get_variable_to_shape_map()
        dtypes = reader.get_variable_to_dtype_map()
    except _UNREADABLE as error:
        raise InputError(f"{index}: unreadable ({_first_line(error)}); {_REMEDY}") from error
    faults = _faults({name: tuple(shape) for name, shape in found.items()}, config)
    faults += [
        f"{name}: expected float32, found {dtype.name}"
        for name, dtype in sorted(dtypes.items())
        if dtype != tf.float32
    ]
    if faults:
        raise InputError(
            f"{index}: not a GPT-2 of the shape in {HPARAMS}; take both from one model:",
            *(f"  {fault}" for fault in faults),
        )
    for name in expected_shapes(config):
        try:
            value = reader.get_tensor(name)  # its checksum is compared here
        except _UNREADABLE as error:
            raise InputError(
                f"{_data_files(folder)}: {name} cannot be read, the file is truncated or damaged "
                f"({_first_line(error)}); {_REMEDY}"
            ) from error
        yield name, value


# what TensorFlow's checkpoint reader raises for a missing, cut or altered file
_UNREADABLE = (tf.errors.OpError, RuntimeError, ValueError, LookupError, OSError)


def _faults(found: Mapping[str, tuple[int, ...]], config: GPT2Config) -> list[str]:
    """Every difference of names and shapes from those of the config, in words."""
    expected = expected_shapes(config)
    faults = []
    for name in [*expected, *sorted(set(found) - set(expected))]:
        if name not in found:
            faults.append(f"{name}: expected shape {list(expected[name])}, found none")
        elif name not in expected:
            faults.append(f"{name}: not a variable of this model, found {list(found[name])}")
        elif found[name] != expected[name]:
            faults.append(
                f"{name}: expected shape {list(expected[name])}, found {list(found[name])}"
            )
    return faults


def _differences(found: GPT2Config, expected: GPT2Config) -> str:
    """The fields in which two configs differ, with both values."""
    theirs: dict[str, Any] = asdict(found)
    ours: dict[str, Any] = asdict(expected)
    return ", ".join(
        f"{name} {theirs[name]} in the checkpoint and {ours[name]} in model"
        for name in ours
        if ours[name] != theirs[name]
    )


def _data_files(folder: Path) -> str:
    """The checkpoint's data files as found, to name in a message."""
    files = sorted(str(path) for path in folder.glob(f"{PREFIX}.data-*"))
    return ", ".join(files) if files else str(folder / f"{PREFIX}.data-00000-of-00001 (missing)")


def _first_line(error: Exception) -> str:
    """The first line of an error's text."""
    return (str(error) or type(error).__name__).splitlines()[0]
