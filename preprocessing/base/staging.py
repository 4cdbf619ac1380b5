"""Files that are whole or not there: written beside their place under a name of their own, then renamed."""

import uuid
from pathlib import Path

from preprocessing.base.errors import InputError


def staged_beside(path: Path) -> Path:
    """A hidden name beside `path` that no other process takes, in this or another container."""
    return path.with_name(f".{path.name}-{uuid.uuid4().hex}")


def write_whole(path: Path, content: bytes) -> None:
    """Write a file in one step, also over one that is there; its folder is made. What fails leaves nothing."""
    make_folder(path.parent)
    staged = staged_beside(path)
    try:
        staged.write_bytes(content)
        staged.replace(path)
    except OSError:
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
