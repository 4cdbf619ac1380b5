"""Finding files in a corpus' folder."""

import os
import re
import time
from operator import itemgetter
from pathlib import Path

from preprocessing.base.errors import InputError
from preprocessing.base.file_state import file_state
from preprocessing.base.links import LINKED_FOLDERS, Links
from preprocessing.readers.compression import COMPRESSED
from preprocessing.readers.source_file import SourceFile
from preprocessing.records.record import Drop

# The reason of a drop that says nothing against a corpus.
APPLE_DOUBLE = "apple_double"

_SPLIT_WORD = re.compile(
    r"(?<![a-z])(?:(train|training)|(validation|valid|val|dev)|(test))(?![a-z])"
)
_SPLIT_OF_GROUP = {1: "train", 2: "validation", 3: "test"}


def corpus_folder(root: Path) -> Path:
    """The folder that the names of the sources are relative to: `root`, or a single file's."""
    return root if root.is_dir() else root.parent


def or_compressed(*suffixes: str) -> tuple[str, ...]:
    """The suffixes, and each with those of compression."""
    return tuple(suffix + end for suffix in suffixes for end in ("", *COMPRESSED))


def split_by_name(name: str) -> str | None:
    """The split that a file's name says in a word, or else that of the nearest folder which is called so.

    >>> split_by_name("3.0.0/train-00000-of-00003.parquet"), split_by_name("news_dev.jsonl.gz")
    ('train', 'validation')
    >>> split_by_name("test/latest.jsonl"), split_by_name("the-test/latest.jsonl")
    ('test', None)
    """
    *folders, file = name.lower().split("/")
    found = [_SPLIT_WORD.search(file), *map(_SPLIT_WORD.fullmatch, reversed(folders))]
    return next((_SPLIT_OF_GROUP[match.lastindex or 0] for match in found if match), None)


def find_files(
    root: Path, suffixes: tuple[str, ...], recursive: bool, skipped: list[str] | None = None
) -> list[tuple[str, int]]:
    """Name and size of the files at `root`, a folder or a single file, that end in a suffix (see `walk`)."""
    if root.is_dir():
        return [(name, size) for name, size, _ in walk(root, root, suffixes, recursive, skipped)]
    named = root.name.lower().endswith(suffixes)
    return [(root.name, root.stat().st_size)] if named else []


def walk(
    root: Path,
    folder: Path,
    suffixes: tuple[str, ...],
    recursive: bool,
    skipped: list[str] | None = None,
) -> list[tuple[str, int, str]]:
    """Name, size and `file_state` of the files in `folder` whose names end in a suffix, by name.

    Capitals in a suffix make no difference. What has a name that begins with a dot is no text, and no
    digest of the corpus covers it; the names of those that macOS has put beside files with such a
    suffix (`._a.txt`) are added to `skipped`. A linked folder is not entered: what it holds is listed
    where it is. Raises InputError for a link out of `root`, and for a name that is not UTF-8.
    """
    links = Links(root)
    if not links.follow_folder(folder):
        raise _outside(folder)
    found: list[tuple[str, int, str]] = []
    now_ns = time.time_ns()
    folders = [folder]
    while folders:
        current = folders.pop()
        # Not a Path for each file: of 100,000 that takes longer than to list and look at them.
        prefix = "".join(f"{part}/" for part in current.relative_to(root).parts)
        with os.scandir(current) as entries:
            for entry in entries:
                if entry.name.startswith("."):
                    if skipped is not None and _is_apple_double(entry.name, suffixes):
                        skipped.append(prefix + entry.name)
                    continue
                if entry.is_symlink() and not links.is_within(Path(entry.path)):
                    if prefix + entry.name in LINKED_FOLDERS:
                        continue
                    raise _outside(Path(entry.path))
                if recursive and entry.is_dir(follow_symlinks=False):
                    folders.append(Path(entry.path))
                elif entry.name.lower().endswith(suffixes) and entry.is_file():
                    name = prefix + entry.name
                    if not name.isascii():
                        _check_encoding(name, entry.path)
                    stat = entry.stat()
                    found.append((name, stat.st_size, file_state(stat, now_ns)))
    return sorted(found, key=itemgetter(0))


def _is_apple_double(name: str, suffixes: tuple[str, ...]) -> bool:
    return name.startswith("._") and name.lower().endswith(suffixes)


def apple_double(names: list[str]) -> list[SourceFile]:
    """The sources that stand for files of macOS beside the corpus' own, to be counted and not read."""
    detail = "a file of macOS about the one beside it, with no text"
    return [
        SourceFile(name, 0, None, 0, 0, Drop(APPLE_DOUBLE, name, name, detail))
        for name in sorted(names)
    ]


def _outside(path: Path) -> InputError:
    """The refusal of a link that leads out of the corpus, to what nobody may have meant to be read."""
    return InputError(
        f"{path}: a link to {path.resolve()}, outside the corpus; "
        "copy the file into the corpus, or remove the link"
    )


def _check_encoding(name: str, path: str) -> None:
    try:
        name.encode()
    except UnicodeEncodeError as error:
        raise InputError(
            f"{os.fsencode(path)!r}: the file's name is not UTF-8; rename it"
        ) from error
