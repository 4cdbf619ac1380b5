"""What every loader of weights checks, and how it says what is off."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from preprocessing.base.errors import InputError
from trainer.config import GPT2Config

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


def require_no_faults(faults: list[str], path: Path, config_file: str) -> None:
    """InputError with all the faults of a path, if there are any."""
    if faults:
        raise InputError(
            f"{path}: not a GPT-2 of the shape in {config_file}; take both from one model:",
            *(f"  {fault}" for fault in faults),
        )


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


def first_line(error: Exception) -> str:
    """The first line of an error's text."""
    return (str(error) or type(error).__name__).splitlines()[0]
