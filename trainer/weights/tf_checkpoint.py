"""Variables in TensorFlow's checkpoint files, `PREFIX.index` and `PREFIX.data-*`, by their keys."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np

from preprocessing.base.errors import InputError
from trainer.config import GPT2Config
from trainer.stored_tensors import INDEX_SUFFIX, tensors_of_checkpoint
from trainer.weights.checking import REMEDY, checked_variables, remedied


def read(
    prefix: Path,
    config: GPT2Config,
    config_file: str,
    keys: Mapping[str, str],
    ignored: Callable[[str], bool] = lambda key: False,
) -> Iterator[tuple[str, np.ndarray]]:
    """Name and value of every variable, as `weights.Format` says.

    keys: the checkpoint's key of each variable's name. ignored: keys that may be there besides.
    """
    index = prefix.with_name(prefix.name + INDEX_SUFFIX)
    if not index.is_file():
        raise InputError(f"{index}: there is no such file; {REMEDY}")
    with remedied(), tensors_of_checkpoint(prefix) as stored:
        others = [stored.pop(key) for key in list(stored) if ignored(key)]
        parts = {name: [key] for name, key in keys.items()}
        yield from checked_variables(index, config, config_file, stored, parts)
        for tensor in others:
            tensor.value()  # not used, but a cut file never loads
