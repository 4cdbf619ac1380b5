"""`$NAME` in a value of the configuration: an environment variable, for what must not stand in a file."""

import os
import re
from collections.abc import Callable

from preprocessing.base.errors import InputError


def expanded(key: str, text: str, encode: Callable[[str], str] = str) -> str:
    """A value with its variables, each as `encode` makes it. Raises InputError for one that is not set."""

    def value(match: re.Match[str]) -> str:
        name = match[1] or match[2]
        if name not in os.environ:
            raise InputError(f"{key}: {text!r} names ${name}, which is not set in the environment.")
        return encode(os.environ[name])

    return re.sub(r"\$(?:(\w+)|\{(\w+)\})", value, text)
