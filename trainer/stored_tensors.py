"""Tensors in files, of which none is read before it is asked for."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import tensorflow as tf
from safetensors import SafetensorError

from preprocessing.base.errors import FailureError
from preprocessing.base.places import plain_path

# what TensorFlow, h5py and safetensors raise for a missing, cut or altered file
_UNREADABLE = (tf.errors.OpError, SafetensorError, RuntimeError, ValueError, LookupError, OSError)
DATA_SUFFIX, INDEX_SUFFIX = ".data-00000-of-00001", ".index"  # of TensorFlow's checkpoints


class UnreadableFileError(Exception):
    """A file is missing, truncated or damaged; the message names it."""


class StoredTensor(NamedTuple):
    """A tensor in a file. where: file and name, for messages. read: reads it."""

    where: str
    shape: tuple[int, ...]
    dtype: str
    read: Callable[[], Any]

    def value(self) -> Any:
        """What is read, an array but for a text; UnreadableFileError where that fails."""
        with reading(self.where):
            return self.read()


@contextmanager
def reading(where: str | Path) -> Iterator[None]:
    """A context in which what a library raises for a damaged file becomes an UnreadableFileError."""
    try:
        yield
    except _UNREADABLE as error:
        raise UnreadableFileError(f"{where}: truncated or damaged ({first_line(error)})") from error


@contextmanager
def writing(what: str, place: Path) -> Iterator[None]:
    """A context in which what a library raises where a file cannot be written becomes a FailureError."""
    try:
        yield
    except (tf.errors.OpError, SafetensorError, OSError) as error:
        cause = _cause(error)
        if cause is None:
            raise
        where = error.filename if isinstance(error, OSError) and error.filename else place
        raise FailureError(
            f"{where}: {what} cannot be written: {cause}. Make room for it, or let its folder be written "
            "to, and do the same again: what is complete is kept."
        ) from error


def _cause(error: Exception) -> str | None:
    """Why a file cannot be written; None where an error of TensorFlow or of safetensors is of something else."""
    if isinstance(error, OSError):
        return error.strerror or str(error)
    # "<file>; <cause> [Op:SaveV2]", and "<what failed>: <cause> (os error 28)"
    found = re.search(r"; ([^;]+?)(?: \[Op:.*)?$|([^:]+) \(os error \d+\)", first_line(error))
    return (found[1] or found[2]).strip() if found else None


@contextmanager
def tensors_of_checkpoint(prefix: Path) -> Iterator[dict[str, StoredTensor]]:
    """The tensors of TensorFlow's files `prefix`.index and `prefix`.data-00000-of-00001 by their keys, to read inside.

    Each has a CRC-32C, and so has the index, which are checked when they are read.
    """
    index = Path(f"{prefix}{INDEX_SUFFIX}")
    if not index.is_file():
        raise UnreadableFileError(f"{index}: there is no such file")
    with plain_path(prefix) as readable:
        with reading(index):
            reader = tf.train.load_checkpoint(str(readable))
            shapes, types = reader.get_variable_to_shape_map(), reader.get_variable_to_dtype_map()
        yield {
            key: StoredTensor(
                f"{prefix}{DATA_SUFFIX}: {key}",
                tuple(shapes[key]),
                types[key].name,
                partial(reader.get_tensor, key),
            )
            for key in sorted(shapes)
        }


def save_checkpoint(prefix: Path, tensors: Mapping[str, Any]) -> None:
    """Write tensors, arrays, texts and variables, whose memory is not copied, to such files."""
    tf.raw_ops.SaveV2(
        prefix=str(prefix),
        tensor_names=list(tensors),
        shape_and_slices=[""] * len(tensors),
        tensors=list(map(tf.convert_to_tensor, tensors.values())),
    )


def differences(
    stored: Mapping[str, StoredTensor],
    shapes: Mapping[str, tuple[int, ...]],
    dtypes: Mapping[str, Sequence[str]],
) -> list[str]:
    """Every difference of names, shapes and types from what is expected, in words.

    shapes: by name. dtypes: those that a tensor of a name may have.
    """
    faults = shape_faults({name: tensor.shape for name, tensor in stored.items()}, shapes)
    return faults + [
        f"{name}: expected {', '.join(dtypes[name])}, found {tensor.dtype}"
        for name, tensor in stored.items()
        if name in dtypes and tensor.dtype not in dtypes[name]
    ]


def shape_faults(
    found: Mapping[str, tuple[int, ...]], expected: Mapping[str, tuple[int, ...]]
) -> list[str]:
    """Every difference of names and shapes, in words: variable, expected shape, found shape."""
    faults = []
    for name in [*expected, *sorted(found.keys() - expected.keys())]:
        if name not in found:
            faults.append(f"{name}: expected shape {list(expected[name])}, found none")
        elif name not in expected:
            faults.append(f"{name}: not known here, found {list(found[name])}")
        elif found[name] != expected[name]:
            faults.append(
                f"{name}: expected shape {list(expected[name])}, found {list(found[name])}"
            )
    return faults


def first_line(error: Exception) -> str:
    """The first line of an error's text."""
    return (str(error) or type(error).__name__).splitlines()[0]
