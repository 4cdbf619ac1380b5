"""The JSON documents of the commands against their schemas in `docs/schemas/`."""

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import fastjsonschema

_SCHEMAS = Path(__file__).resolve().parents[2] / "docs" / "schemas"


def document_of(command: str, output: str) -> Any:
    """The document that a command printed; raises JsonSchemaException where it is none of its schema."""
    return _validator(command)(json.loads(output))


@cache
def _validator(command: str) -> Callable[[Any], Any]:
    return fastjsonschema.compile(json.loads((_SCHEMAS / f"{command}.schema.json").read_text()))
