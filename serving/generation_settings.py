"""What a caller may ask of a generation: values checked against their ranges, and as the signatures take them."""

from collections.abc import Mapping, Sequence
from typing import get_args, get_type_hints

import numpy as np

from preprocessing.base.errors import InputError
from preprocessing.base.ranges import Range
from preprocessing.base.utf8 import printable
from trainer.options import GenerationOptions

SEEDS = Range(least=-(2**63), below=2**63)
_KINDS = get_type_hints(GenerationOptions, include_extras=True)


def checked_settings(
    values: Mapping[str, float], seed: int, stop: Sequence[str]
) -> dict[str, np.int32 | np.float32]:
    """The values as a signature takes them; InputError naming all that are out of their ranges there.

    values: fields of `GenerationOptions`.
    """
    settings, faults = {}, []
    for name, value in values.items():
        kind, range_ = kind_and_range(name)
        if fault := _fault(kind, range_, value):
            faults.append(f"{name} is {value}; it {fault}")
        else:
            settings[name] = np.int32(value) if kind is int else np.float32(value)
    if fault := _fault(int, SEEDS, seed):
        faults.append(f"seed is {seed}; it {fault}")
    if not all(map(is_text, stop)):
        faults.append(f"stop is {list(stop)}; it must be strings of Unicode that are not empty")
    if faults:
        raise InputError(*faults)
    return settings


def kind_and_range(name: str) -> tuple[type[int] | type[float], Range]:
    """The type and the range of a field of `GenerationOptions`."""
    kind, range_ = get_args(_KINDS[name])
    return kind, range_


def is_text(string: str) -> bool:
    """Whether a text can hold the string; a byte of the command line that is no UTF-8 is a lone surrogate."""
    return bool(string) and string == printable(string)


def _fault(kind: type[int | float], range_: Range, value: float) -> str | None:
    """What is wrong with a value as a number of a kind in a range, in words; None where nothing is."""
    if kind is int and value % 1:  # of NaN and infinity it is NaN
        return "must be a whole number"
    try:
        return range_.fault(kind(value))
    except OverflowError:
        return f"must be {range_} and fit a float"


def utf8_strings(texts: Sequence[str]) -> np.ndarray:
    """Texts as UTF-8 byte strings for TensorFlow; a lone surrogate becomes a question mark."""
    return np.array([text.encode("utf-8", "replace") for text in texts], dtype=object)
