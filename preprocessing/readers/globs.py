"""Patterns for the names of files: `books/*.txt`, `**/chapter-[0-9].txt`."""

import os
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path

_MAGIC = frozenset("*?[")


def matches(name: str, pattern: str) -> bool:
    """Whether a posix path matches a pattern.

    `*`, `?` and `[a-z]` stand for characters other than `/`; `**` alone between slashes stands for
    any number of folders, at the end for everything beneath.

    >>> [matches(name, "books/**/*.txt") for name in ("books/a.txt", "books/x/y/a.txt", "a.txt")]
    [True, True, False]
    >>> matches("books/x/a.txt", "books/*.txt"), matches("books/x/a.txt", "books/**")
    (False, True)
    """
    return _matches(name.split("/"), pattern.split("/"))


def _matches(parts: Sequence[str], patterns: Sequence[str]) -> bool:
    if not patterns:
        return not parts
    first, rest = patterns[0], patterns[1:]
    if first == "**":
        return _matches(parts, rest) or (bool(parts) and _matches(parts[1:], patterns))
    return bool(parts) and fnmatchcase(parts[0], first) and _matches(parts[1:], rest)


def split_pattern(path: Path) -> tuple[Path, str | None]:
    """A path with a pattern in it as the folder before it and the pattern.

    A path without one, or that exists as it is written, has the pattern None.
    """
    if os.path.exists(path):  # not Path.exists, which fails for a name that no file can have
        return path, None
    for place, part in enumerate(path.parts):
        if _MAGIC.intersection(part):
            return Path(*path.parts[:place]), "/".join(path.parts[place:])
    return path, None
