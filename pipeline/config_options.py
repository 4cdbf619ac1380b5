"""Every key of the configuration with its type, default, range, meaning and the nodes that read it.

All of it is read from where it stands already: the types and docstrings of the sections, and the node table.
"""

import dataclasses
import re
import types
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from pipeline.config import Config
from pipeline.nodes import node_table
from trainer.options import ModelOptions


@dataclass(frozen=True)
class Option:
    """One key: `kind` is its annotated type, `meaning` its entry in the docstring of its section."""

    key: str
    kind: Any
    default: Any
    meaning: str

    @property
    def values(self) -> str:
        """What it takes, in words."""
        return describe(self.kind)

    @property
    def nodes(self) -> list[str]:
        """The nodes whose key a change of it changes, in order; those below follow where a result changes."""
        return [name for name, keys in _keys_of_nodes().items() if _reads(keys, self.key)]


def all_options(section: Any = Config, prefix: str = "") -> Iterator[Option]:
    """Every key of a section and of the sections in it, in order."""
    meanings = docstring_entries(section)
    defaults = dataclasses.asdict(section())
    for name, kind in get_type_hints(section, include_extras=True).items():
        key = f"{prefix}{name}"
        if not dataclasses.is_dataclass(kind):
            yield Option(key, kind, defaults[name], meanings[name])
        inner = without_none(kind)
        if dataclasses.is_dataclass(inner):
            yield from all_options(inner, f"{key}.")


def docstring_entries(section: Any) -> dict[str, str]:
    """Key -> meaning, from the lines `key: meaning` or `key, key: meaning` of a docstring.

    >>> docstring_entries(ModelOptions)["heads"]
    'replaces the value of the size.'
    """
    entries: dict[str, str] = {}
    names: list[str] = []
    for line in (section.__doc__ or "").splitlines():
        if found := re.match(r"    ([a-z]\w*(?:, \w+)*): (.*)", line):
            names = found[1].split(", ")
            entries |= dict.fromkeys(names, found[2])
        elif names and line.startswith("        "):
            entries |= dict.fromkeys(names, f"{entries[names[0]]} {line.strip()}")
        else:
            names = []
    return entries


def without_none(kind: Any) -> Any:
    """The type beside None."""
    if get_origin(kind) in (Union, types.UnionType):
        (inner,) = [inner for inner in get_args(kind) if inner is not types.NoneType]
        return inner
    return kind


def describe(kind: Any) -> str:
    """A type in words.

    >>> describe(dict[Literal["a", "b"], float | None])
    'mapping of `a`, `b` to number or null'
    """
    origin, arguments = get_origin(kind), get_args(kind)
    if without_none(kind) is not kind:
        return f"{describe(without_none(kind))} or null"
    if origin is Annotated:
        return f"{describe(arguments[0])} {arguments[1]}"
    if origin is Literal:
        return ", ".join(f"`{value}`" for value in arguments)
    if origin is list:
        return f"list of {describe(arguments[0])}"
    if origin is dict:
        return f"mapping of {describe(arguments[0])} to {describe(arguments[1])}"
    if dataclasses.is_dataclass(kind):
        return f"section of {', '.join(f'`{f.name}`' for f in dataclasses.fields(kind))}"
    return {str: "text", int: "whole number", float: "number", bool: "true or false"}[kind]


@cache
def _keys_of_nodes() -> dict[str, frozenset[str]]:
    """Node -> every key that it reads: its parameters, and what says where its content from outside is."""
    everything = node_table(dataclasses.replace(Config(), model=ModelOptions(base="a checkpoint")))
    return {
        node.name: frozenset(node.parameters).union(*(e.keys for e in node.externals.values()))
        for node in everything
    }


def _reads(keys: frozenset[str], key: str) -> bool:
    """Whether a key, or the section that it is in, is among the keys."""
    parts = key.split(".")
    return any(".".join(parts[:count]) in keys for count in range(1, len(parts) + 1))
