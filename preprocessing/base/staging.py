"""Files that are whole or not there, written beside their place and then renamed; and folders.

A folder of what can be made again is tagged as such: backup programs leave it out (bford.info/cachedir).
"""

import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from preprocessing.base.errors import InputError

CACHE_TAG = "CACHEDIR.TAG"
_CACHE_TAG_CONTENT = b"""Signature: 8a477f597d28d172789f06886806bc55
# What lies here is a cache of gpt2-tfx: it is made again when it is needed.
# For information about cache directory tags, see https://bford.info/cachedir/
"""


def staged_beside(path: Path) -> Path:
    """A hidden name beside `path` that no other process takes, in this or another container."""
    return path.with_name(f".{path.name}-{uuid.uuid4().hex}")


def write_whole(path: Path, content: bytes) -> None:
    """Write a file in one step, also over one that is there. What fails leaves nothing."""
    make_whole(path, lambda staged: staged.write_bytes(content))


def make_whole(path: Path, make: Callable[[Path], Any]) -> None:
    """Let `make` make a file under another name beside `path`, and give it that name when it is complete.

    Its folder is made, too. Raises InputError where it cannot be. What is there and no file, such as `/dev/stdout` or a
    pipe, is written to and not replaced.

    A runner may try a bundle twice, also at the same time, so the unfinished file has a name of its own; it begins
    with a dot, so that no pattern for finished files finds it.
    """
    if path.exists() and not path.is_file():
        make(path)
        return
    make_folder(path.parent)
    staged = staged_beside(path)
    try:
        make(staged)
        staged.replace(path)
    except BaseException:
        staged.unlink(missing_ok=True)
        raise


def make_folder(folder: Path) -> None:
    """Make a folder with those above it. Raises InputError where it cannot be made."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"{folder}: the folder cannot be made: {error.strerror}. Name another, or make room for it."
        ) from error


def make_cache_folder(folder: Path) -> Path:
    """Make a folder and its tag where they are missing; returns the folder. Raises InputError where it cannot."""
    make_folder(folder)
    if not (folder / CACHE_TAG).is_file():
        write_whole(folder / CACHE_TAG, _CACHE_TAG_CONTENT)
    return folder
