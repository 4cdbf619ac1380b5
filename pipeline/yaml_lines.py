"""YAML that remembers on which line each key stands, so that a fault can be pointed at."""

from dataclasses import dataclass
from typing import Any

import yaml

from pipeline.key_places import KeyPlaces
from preprocessing.base.errors import InputError


@dataclass(frozen=True)
class LinedDocument:
    """A YAML mapping as plain values, and where its keys stand."""

    values: dict[str, Any]
    places: KeyPlaces


# What PyYAML raises where a value is not what its tag or an escape in it says: `!!bool x`, `!!int ""`, "\UFFFFFFFF".
UNREADABLE = (ValueError, OverflowError, LookupError, AttributeError)


def read_lined_yaml(text: str, name: str) -> LinedDocument:
    """Read one YAML mapping. Raises InputError for broken YAML, a repeated key or another top level."""
    try:
        return _read(text, name)
    except yaml.MarkedYAMLError as error:
        raise InputError(
            f"{_place(name, error)}: not YAML: {error.problem}. Mend the syntax."
        ) from error
    except yaml.YAMLError as error:
        reason = " ".join(str(error).split())
        raise InputError(f"{name}: not YAML: {reason}. Mend the syntax.") from error
    except UNREADABLE as error:
        raise InputError(f"{name}: a value cannot be read: {error}. Put it in quotes.") from error
    except RecursionError:
        raise InputError(
            f"{name}: too deep, or a section holds itself through an alias. Write it out."
        ) from None


def _read(text: str, name: str) -> LinedDocument:
    node = yaml.compose(text, Loader=yaml.SafeLoader)
    if node is None:
        return LinedDocument({}, KeyPlaces(name))
    if not isinstance(node, yaml.MappingNode):
        raise InputError(f"{name}:1: the top level is not a mapping of sections.")
    lines: dict[str, int] = {}
    faults: list[str] = []
    _note_lines(node, "", name, lines, faults)
    try:
        values = yaml.safe_load(text)
    except yaml.constructor.ConstructorError as error:
        raise InputError(
            f"{_place(name, error)}: {error.problem}. Write plain values only."
        ) from error
    if faults:
        raise InputError(*faults)
    return LinedDocument(values, KeyPlaces(name, lines))


def _place(name: str, error: yaml.MarkedYAMLError) -> str:
    return f"{name}:{error.problem_mark.line + 1 if error.problem_mark else 1}"


def _note_lines(
    node: yaml.MappingNode, prefix: str, name: str, lines: dict[str, int], faults: list[str]
) -> None:
    for key_node, value_node in node.value:
        key = f"{prefix}{key_node.value}"
        line = key_node.start_mark.line + 1
        if key in lines:
            faults.append(f"{name}:{line}: {key} stands twice (first on line {lines[key]}).")
        lines[key] = line
        if isinstance(value_node, yaml.MappingNode):
            _note_lines(value_node, f"{key}.", name, lines, faults)
