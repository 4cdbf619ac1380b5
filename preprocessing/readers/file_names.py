"""What the names of a corpus' files say: compression, splits; and patterns for names (`**/chapter-[0-9].txt`)."""

import os
import re
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path

COMPRESSED = (".gz", ".zst")

# The words by which Hugging Face's `datasets` knows a split, too.
_SPLIT_WORD = re.compile(
    r"(?<![a-z])(?:(train|training)|(validation|valid|val|dev)|(test|testing|eval|evaluation))(?![a-z])"
)
_SPLIT_OF_GROUP = {1: "train", 2: "validation", 3: "test"}

_MAGIC = frozenset("*?[")


def is_compressed(name: str) -> bool:
    """Whether the file's name says that its content is compressed."""
    return name.lower().endswith(COMPRESSED)


def content_name(name: str) -> str:
    """The name without the suffix of compression.

    >>> content_name("a/b.jsonl.gz"), content_name("a/B.JSONL.ZST"), content_name("a/b.jsonl")
    ('a/b.jsonl', 'a/B.JSONL', 'a/b.jsonl')
    """
    return os.path.splitext(name)[0] if is_compressed(name) else name


def content_ends_with(name: str, *suffixes: str) -> bool:
    """Whether the name without the suffix of compression ends in one of these, in small letters or in capitals."""
    return content_name(name).lower().endswith(suffixes)


def or_compressed(*suffixes: str) -> tuple[str, ...]:
    """The suffixes, and each with those of compression."""
    return tuple(suffix + end for suffix in suffixes for end in ("", *COMPRESSED))


def split_by_name(name: str) -> str | None:
    """The split that a file's name says in a word, or else that of the nearest folder which is called so.

    A folder may have a suffix: what Dask and Spark write as `train.parquet` is a folder of parts.

    >>> split_by_name("3.0.0/train-00000-of-00003.parquet"), split_by_name("news_dev.jsonl.gz")
    ('train', 'validation')
    >>> split_by_name("test/latest.jsonl"), split_by_name("the-test/latest.jsonl")
    ('test', None)
    >>> split_by_name("train.parquet/part.0.parquet"), split_by_name("eval.csv")
    ('train', 'test')
    """
    *folders, file = name.lower().split("/")
    called = (_SPLIT_WORD.fullmatch(folder.split(".")[0]) for folder in reversed(folders))
    found = [_SPLIT_WORD.search(file), *called]
    return next((_SPLIT_OF_GROUP[match.lastindex or 0] for match in found if match), None)


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
