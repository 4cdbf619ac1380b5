"""What is made of the options of the configuration: its page, its JSON schema, and the comments of `pipeline.yaml`.

`python -m pipeline.config_reference` (`make docs`) writes them into a checkout.
"""

import dataclasses
import json
import math
import textwrap
from collections.abc import Iterator, Mapping
from itertools import takewhile
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

import yaml

from pipeline.code_snapshot import PROJECT_ROOT
from pipeline.config import Config
from pipeline.config_options import Option, all_options, docstring_entries, without_none

PAGE = "docs/configuration.md"
SCHEMA = "docs/schemas/configuration.schema.json"
# The configurations that ship, whose comments are made.
CONFIGURATIONS = ("pipeline.yaml", "data/coqa.yaml", "data/text.yaml")

_HEAD = """\
# The configuration

Made by `make docs` from the options in `preprocessing/options.py`, `trainer/options.py`, `components/options.py` and
`pipeline/config.py`, and from the node table. [A JSON schema](schemas/configuration.schema.json), which `pipeline.yaml`
names in its first line, tells editors the same.

`pipeline.yaml` needs none of these keys, and `gpt2-tfx init` writes one for your own corpus. Paths are relative to it.
`gpt2-tfx --set a.b=value` sets a key for a call.
Unknown keys, wrong types, impossible values and missing paths that the command needs are reported together, with their
lines, before anything runs. The resolved configuration is recorded with the run.

*Reaches* names the nodes that run again when the key changes. What lies below them runs again where their result
is another one. A key without nodes changes where or how things are done, not what comes out."""


def page() -> str:
    """The page of all keys in Markdown."""
    lines = [_HEAD]
    section = None
    for option in all_options():
        name = option.key.partition(".")[0] if "." in option.key else ""
        if name != section:
            section = name
            lines += [
                "",
                *_section_head(name),
                "",
                _row("key", "default", "values", "meaning", "reaches"),
            ]
            lines.append("|---" * 5 + "|")
        lines.append(_option_row(option))
    return "\n".join(lines) + "\n"


def _section_head(name: str) -> Iterator[str]:
    if not name:
        yield "## At the top"
        return
    yield f"## `{name}`"
    yield ""
    yield (get_type_hints(Config)[name].__doc__ or "").split("\n")[0]


def _option_row(option: Option) -> str:
    default = json.dumps(option.default) if not isinstance(option.default, str) else option.default
    return _row(
        f"`{option.key}`",
        f"`{default}`",
        option.values,
        option.meaning,
        ", ".join(option.nodes),
    )


def _row(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |"


def json_schema() -> dict[str, Any]:
    """The JSON schema of `pipeline.yaml`."""
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "gpt2-tfx's pipeline.yaml",
        **_schema(Config),
    }


def _schema(kind: Any) -> dict[str, Any]:
    origin, arguments = get_origin(kind), get_args(kind)
    inner = without_none(kind)
    if inner is not kind:
        return {"anyOf": [_schema(inner), {"type": "null"}]}
    if dataclasses.is_dataclass(kind):
        return _section_schema(kind)
    if origin is Annotated:
        ends = arguments[1]
        found = {
            "minimum": ends.least,
            "exclusiveMinimum": ends.above,
            "maximum": ends.most,
            "exclusiveMaximum": ends.below,
        }
        return _schema(arguments[0]) | {name: end for name, end in found.items() if end is not None}
    if origin is Literal:
        return {"enum": list(arguments)}
    if origin is list:
        return {"type": "array", "items": _schema(arguments[0])}
    if origin is dict:
        return {
            "type": "object",
            "propertyNames": _schema(arguments[0]),
            "additionalProperties": _schema(arguments[1]),
        }
    return {"type": {str: "string", int: "integer", float: "number", bool: "boolean"}[kind]}


def _section_schema(section: Any) -> dict[str, Any]:
    meanings, defaults = docstring_entries(section), dataclasses.asdict(section())
    properties = {}
    for name, kind in get_type_hints(section, include_extras=True).items():
        properties[name] = _schema(kind)
        if name in meanings:
            properties[name] |= {"description": meanings[name], "default": defaults[name]}
    return {
        "type": "object",
        "description": (section.__doc__ or "").split("\n")[0],
        "properties": properties,
        "additionalProperties": False,
    }


def commented(text: str) -> str:
    """A configuration with the first comment that it has, its own values, and a comment for each key."""
    head = takewhile(lambda line: line.startswith("#"), text.splitlines())
    meanings = {option.key: option.meaning for option in all_options()}
    lines = _commented(yaml.safe_load(text), "", meanings)
    return "\n".join([*head, "", *lines]).replace("\n\n\n", "\n\n") + "\n"


def _commented(
    values: Mapping[str, Any], prefix: str, meanings: Mapping[str, str]
) -> Iterator[str]:
    indent = "  " * prefix.count(".")
    for name, value in values.items():
        key = f"{prefix}{name}"
        if isinstance(value, dict) and value:
            if not prefix:
                yield ""
            yield f"{indent}{name}:"
            yield from _commented(value, f"{key}.", meanings)
            continue
        yield from textwrap.wrap(
            meanings[key], 100, initial_indent=f"{indent}# ", subsequent_indent=f"{indent}# "
        )
        yield f"{indent}{name}: {_written(value)}"


def _written(value: Any) -> str:
    """A value as YAML in one line; what does not print is escaped."""
    style = '"' if isinstance(value, str) and not value.isprintable() else None
    written: str = yaml.safe_dump(
        [value], default_flow_style=True, default_style=style, allow_unicode=True, width=math.inf
    )
    return written.strip()[1:-1]


def written_files() -> dict[str, str]:
    """Relative name of a file in the checkout -> what it should hold."""
    schema = json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"
    configurations = {
        name: commented((PROJECT_ROOT / name).read_text(encoding="utf-8"))
        for name in CONFIGURATIONS
    }
    return {PAGE: page(), SCHEMA: schema, **configurations}


if __name__ == "__main__":
    for name, content in written_files().items():
        Path(PROJECT_ROOT, name).write_text(content, encoding="utf-8")
