"""TensorFlow's checkpoint files, `PREFIX.index` and `PREFIX.data-*`: tensors by their keys."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from preprocessing.base.errors import InputError
from preprocessing.base.plain_path import plain_path
from trainer.config import GPT2Config, variable_shapes
from trainer.weights.checking import REMEDY, first_line, require_no_faults, shape_faults

# what TensorFlow's checkpoint reader raises for a missing, cut or altered file
_UNREADABLE = (tf.errors.OpError, RuntimeError, ValueError, LookupError, OSError)


def read(
    prefix: Path,
    config: GPT2Config,
    config_file: str,
    keys: Mapping[str, str],
    ignored: Callable[[str], bool] = lambda key: False,
) -> Iterator[tuple[str, np.ndarray]]:
    """Name and float32 value of every variable, one at a time, after all names and shapes.

    keys: the checkpoint's key of each variable's name. ignored: keys that may be there besides.
    Raises InputError: all differences together; and at a value whose checksum is wrong.
    """
    index = prefix.with_name(f"{prefix.name}.index")
    if not index.is_file():
        raise InputError(f"{index}: there is no such file; {REMEDY}")
    try:
        with plain_path(prefix) as readable:
            reader = tf.train.load_checkpoint(str(readable))
        shapes = reader.get_variable_to_shape_map()
        dtypes = reader.get_variable_to_dtype_map()
    except _UNREADABLE as error:
        raise InputError(f"{index}: unreadable ({first_line(error)}); {REMEDY}") from error
    found = {key: tuple(shape) for key, shape in shapes.items() if not ignored(key)}
    expected = variable_shapes(config)
    faults = shape_faults(found, {keys[name]: shape for name, shape in expected.items()})
    faults += [
        f"{key}: expected float32, found {dtypes[key].name}"
        for key in sorted(found)
        if dtypes[key] != tf.float32
    ]
    require_no_faults(faults, index, config_file)
    for key in sorted(shapes.keys() - found.keys()):
        _tensor(reader, key, prefix)  # not used, but a cut file never loads
    for name in expected:
        yield name, _tensor(reader, keys[name], prefix)


def _tensor(reader: Any, key: str, prefix: Path) -> np.ndarray:
    """A tensor of the checkpoint, whose checksum is compared here."""
    try:
        return reader.get_tensor(key)
    except _UNREADABLE as error:
        raise InputError(
            f"{_data_files(prefix)}: {key} cannot be read, the file is truncated or damaged "
            f"({first_line(error)}); {REMEDY}"
        ) from error


def _data_files(prefix: Path) -> str:
    """The checkpoint's data files as found, to name in a message."""
    files = sorted(str(path) for path in prefix.parent.glob(f"{prefix.name}.data-*"))
    return ", ".join(files) if files else f"{prefix}.data-00000-of-00001 (missing)"
