"""What a format of weights is, and what every loader checks before it gives the first value."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from preprocessing.base.errors import InputError
from preprocessing.base.json_text import parse_json
from trainer.config import GPT2Config, variable_shapes
from trainer.stored_tensors import StoredTensor, UnreadableFileError, differences, shape_faults

REMEDY = "copy or download it again"


class Format(ABC):
    """A format of weights: how it is recognised, where its shape stands, how its tensors are called.

    config_file, weights_file: where shape and weights are in a path, for messages.
    kernel_axes: 3 where a dense kernel is [1, in, out], as here, 2 where it is [in, out].
    dtypes: that a tensor may have, by the format's names.
    """

    config_file: str
    weights_file: str
    kernel_axes = 3
    dtypes: Sequence[str] = ("float32",)

    @abstractmethod
    def recognises(self, path: Path) -> bool:
        """Whether a folder or file looks like this format (the weights are not looked at)."""

    @abstractmethod
    def read_config(self, path: Path) -> GPT2Config:
        """The shape that the path declares; InputError where it declares none."""

    @abstractmethod
    def stored(self, path: Path) -> AbstractContextManager[Mapping[str, StoredTensor]]:
        """Every tensor in the path that must be a weight, to read inside; UnreadableFileError."""

    def parts(self, name: str) -> Sequence[str]:
        """The stored tensors that are joined along the last axis to the variable of a name."""
        return (name,)

    def tensors(self, path: Path, config: GPT2Config) -> Iterator[tuple[str, np.ndarray]]:
        """Name (as in `config.variable_shapes`) and float32 value of every variable, one at a time.

        Raises InputError, all differences of names, shapes and types together, before the first value;
        and at a value that cannot be read.
        """
        shapes = variable_shapes(config)
        with remedied(), self.stored(path) as stored:
            self._require_all(path, shapes, stored)
            for name, shape in shapes.items():
                values = [stored[part].value() for part in self.parts(name)]
                value = values[0] if len(values) == 1 else np.concatenate(values, axis=-1)
                yield name, value.astype(np.float32, copy=False).reshape(shape)

    def _require_all(
        self, path: Path, shapes: Mapping[str, tuple[int, ...]], stored: Mapping[str, StoredTensor]
    ) -> None:
        expected: dict[str, tuple[int, ...]] = {}
        for name, shape in shapes.items():
            parts = self.parts(name)
            *others, last = shape[-self.kernel_axes :]
            expected |= dict.fromkeys(parts, (*others, last // len(parts)))
        if faults := differences(stored, expected, dict.fromkeys(expected, self.dtypes)):
            raise InputError(
                f"{path / self.weights_file}: not a GPT-2 of the shape in {self.config_file}; take "
                "both from one model:",
                *(f"  {fault}" for fault in faults),
            )


def require_variables(config: GPT2Config, variables: Mapping[str, Any]) -> None:
    """ValueError where these, arrays by name, are not the variables of a model of this shape."""
    found = {name: tuple(value.shape) for name, value in variables.items()}
    if faults := shape_faults(found, variable_shapes(config)):
        raise ValueError("\n".join(faults))


@contextmanager
def remedied() -> Iterator[None]:
    """A context in which a file that cannot be read is an InputError."""
    try:
        yield
    except UnreadableFileError as error:
        raise InputError(f"{error}; {REMEDY}") from error


def read_json_object(path: Path, missing: str = REMEDY) -> dict[str, Any]:
    """The JSON object in a file; InputError where there is none. missing: said of a missing file."""
    try:
        content = parse_json(path.read_text(encoding="utf-8"))
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
