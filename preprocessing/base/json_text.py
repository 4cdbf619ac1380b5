"""JSON that others have written."""

import json
from typing import Any


def parse_json(text: str | bytes) -> Any:
    """The value of a JSON text. Raises ValueError for anything else, also where lists are too deep to be read."""
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError("lists or objects in one another, too deep to be read") from error
