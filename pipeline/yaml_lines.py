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


def read_lined_yaml(text: str, name: str) -> LinedDocument:
    """Read one YAML mapping. Raises InputError for broken YAML, a repeated key or another top level."""
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise InputError(f"{name}:{line}: not YAML: {error.problem}. Mend the syntax.") from error
    except yaml.YAMLError as error:
        raise InputError(f"{name}: not YAML: {error}. Mend the syntax.") from error
    if node is None:
        return LinedDocument({}, KeyPlaces(name))
    if not isinstance(node, yaml.MappingNode):
        raise InputError(f"{name}:1: the top level is not a mapping of sections.")
    lines: dict[str, int] = {}
    faults: list[str] = []
    try:
        _note_lines(node, "", name, lines, faults)
        values = yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise InputError(f"{name}:{line}: {error.problem}. Write plain values only.") from error
    except ValueError as error:
        raise InputError(f"{name}: a value cannot be read: {error}. Put it in quotes.") from error
    except RecursionError:
        raise InputError(
            f"{name}: a section holds itself through an alias. Write it out."
        ) from None
    if faults:
        raise InputError(*faults)
    return LinedDocument(values, KeyPlaces(name, lines))


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
