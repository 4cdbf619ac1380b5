"""What every loader of weights checks, and how it says what is off."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from preprocessing.base.errors import InputError
from trainer.config import GPT2Config, variable_shapes
from trainer.stored_tensors import StoredTensor, UnreadableFileError

Shapes = Mapping[str, tuple[int, ...]]
REMEDY = "copy or download it again"


def shape_faults(found: Shapes, expected: Shapes) -> list[str]:
    """Every difference of names and shapes, in words: variable, expected shape, found shape."""
    faults = []
    for name in [*expected, *sorted(found.keys() - expected.keys())]:
        if name not in found:
            faults.append(f"{name}: expected shape {list(expected[name])}, found none")
        elif name not in expected:
            faults.append(f"{name}: not a variable of this model, found {list(found[name])}")
        elif found[name] != expected[name]:
            faults.append(
                f"{name}: expected shape {list(expected[name])}, found {list(found[name])}"
            )
    return faults


@contextmanager
def remedied() -> Iterator[None]:
    """A context in which a file that cannot be read is an InputError."""
    try:
        yield
    except UnreadableFileError as error:
        raise InputError(f"{error}; {REMEDY}") from error


def checked_variables(
    path: Path,
    config: GPT2Config,
    config_file: str,
    stored: Mapping[str, StoredTensor],
    parts: Mapping[str, Sequence[str]],
    *,
    kernel_axes: int = 3,
    dtypes: Sequence[str] = ("float32",),
) -> Iterator[tuple[str, np.ndarray]]:
    """Name and float32 value of every variable, one at a time, after all names, shapes and types.

    path, config_file: where they are, and where their shape is, for messages.
    stored: every tensor there. parts: of a variable, the tensors that are joined along the last axis.
    kernel_axes: 3 where a dense kernel is [1, in, out], as here, 2 where it is [in, out].
    Raises InputError, all differences together; UnreadableFileError at a value that cannot be read.
    """
    shapes, expected = variable_shapes(config), {}
    for name, shape in shapes.items():
        *others, last = shape[-kernel_axes:]
        for part in parts[name]:
            expected[part] = (*others, last // len(parts[name]))
    faults = shape_faults({key: tensor.shape for key, tensor in stored.items()}, expected)
    faults += [
        f"{key}: expected {', '.join(dtypes)}, found {tensor.dtype}"
        for key, tensor in stored.items()
        if tensor.dtype not in dtypes
    ]
    if faults:
        raise InputError(
            f"{path}: not a GPT-2 of the shape in {config_file}; take both from one model:",
            *(f"  {fault}" for fault in faults),
        )
    for name, shape in shapes.items():
        values = [stored[part].value() for part in parts[name]]
        value = values[0] if len(values) == 1 else np.concatenate(values, axis=-1)
        yield name, value.astype(np.float32, copy=False).reshape(shape)


def read_json_object(path: Path, missing: str) -> dict[str, Any]:
    """The JSON object in a file; InputError where there is none. missing: said of a missing file."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such file; {missing}") from None
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: not readable as JSON ({error}); {REMEDY}") from error
    if not isinstance(content, dict):
        raise InputError(f"{path}: not a JSON object but {type(content).__name__}; {REMEDY}")
    return content


def config_from(path: Path, content: Mapping[str, Any], names: Mapping[str, str]) -> GPT2Config:
    """The config in a file's content. names: the file's key for each field of the config.

    Raises InputError where keys are missing or give no model.
    """
    missing = sorted(key for key in names.values() if key not in content)
    if missing:
        raise InputError(
            f"{path}: {', '.join(missing)} missing; it must give {', '.join(names.values())}"
        )
    try:
        return GPT2Config(**{field: content[key] for field, key in names.items()})
    except InputError as error:
        raise InputError(*(f"{path}: {message}" for message in error.messages)) from None
