"""Variables and a text in TensorFlow's checkpoint format, one at a time and whole or not at all.

`tf.train.Checkpoint` reads all tensors of a file before it assigns the first, and so needs twice
the memory of the variables.
"""

import os
from collections.abc import Mapping
from pathlib import Path

import tensorflow as tf

from preprocessing.base.errors import InputError
from trainer.stored_tensors import (
    DATA_SUFFIX,
    INDEX_SUFFIX,
    StoredTensor,
    differences,
    save_checkpoint,
    tensors_of_checkpoint,
)

_TEXT = "text"
_STAGED = ".staged-"
_SUFFIXES = (DATA_SUFFIX, INDEX_SUFFIX)  # in the order in which they are put in place

Variables = Mapping[str, tf.Variable]
Values = Mapping[str, tf.Variable | tf.Tensor]


def write_variables(prefix: Path, variables: Values, text: str = "") -> None:
    """Write the files `prefix`.index and `prefix`.data-00000-of-00001.

    The index is put in place last and taken away first, each on the disk before the next, so a process
    or a machine that dies leaves either both files, or no index, and `written` does not name them. The
    variables' memory is not copied.
    """
    prefix.parent.mkdir(parents=True, exist_ok=True)
    staged = prefix.with_name(_STAGED + prefix.name)
    save_checkpoint(staged, {_TEXT: text, **variables})
    for suffix in _SUFFIXES:
        _sync(Path(f"{staged}{suffix}"))
    Path(f"{prefix}.index").unlink(missing_ok=True)
    _sync(prefix.parent)
    for suffix in _SUFFIXES:
        os.replace(f"{staged}{suffix}", f"{prefix}{suffix}")
        _sync(prefix.parent)


def read_variables(prefix: Path, variables: Variables) -> str:
    """Assign every variable what the files hold for it; returns their text.

    Raises InputError, and changes nothing, where the files hold other names, shapes or types.
    Raises UnreadableFileError where they are damaged: some variables may then have been assigned.
    """
    with tensors_of_checkpoint(prefix) as stored:
        _require_same(prefix, variables, stored)
        for name, variable in variables.items():
            variable.assign(stored[name].value())
        return stored[_TEXT].value().decode()


def written(folder: Path, kind: str) -> dict[int, Path]:
    """The prefixes `kind`-<number> in a folder whose files are in place, by rising number."""
    found = {}
    for index in folder.glob(f"{kind}-*.index"):
        number = index.stem.removeprefix(f"{kind}-")
        if number.isdecimal():
            found[int(number)] = index.with_suffix("")
    return dict(sorted(found.items()))


def remove(prefix: Path) -> None:
    """Remove the files of a prefix."""
    for suffix in reversed(_SUFFIXES):
        Path(f"{prefix}{suffix}").unlink(missing_ok=True)


def remove_leftovers(folder: Path) -> None:
    """Remove what writers that died have left."""
    for path in folder.glob(f"{_STAGED}*"):
        path.unlink()
    for data in folder.glob(f"*{_SUFFIXES[0]}"):
        prefix = Path(str(data).removesuffix(_SUFFIXES[0]))
        if not Path(f"{prefix}.index").exists():
            data.unlink()


def _sync(path: Path) -> None:
    """Have what was written to a file, or renamed in a folder, on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _require_same(prefix: Path, variables: Variables, stored: Mapping[str, StoredTensor]) -> None:
    """InputError where the files hold anything but these variables and a text."""
    found = {name: tensor for name, tensor in stored.items() if name != _TEXT}
    shapes = {name: tuple(variable.shape) for name, variable in variables.items()}
    dtypes = {name: [variable.dtype.name] for name, variable in variables.items()}
    if faults := differences(found, shapes, dtypes):
        more = f" and {len(faults) - 3} more" if len(faults) > 3 else ""
        raise InputError(
            f"{prefix}: a checkpoint of another model or other training options: "
            f"{'; '.join(faults[:3])}{more}; go back to its configuration, or remove "
            f"{prefix.parent} to train from the start"
        )
