"""The files of items: what they come to, and their removal. A link is removed itself, never what it leads to."""

import os
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from pipeline.garbage.picture import FileEntry, Item

# What is on its way out: `.collected-<random>-<name>` was `<name>`.
_COLLECTED = ".collected-"


def measure(path: Path) -> tuple[float, tuple[FileEntry, ...]]:
    """When something beneath a path last changed, in seconds since the epoch, and its files."""
    changed, files = 0.0, []
    for entry in _beneath(path):
        stat = os.lstat(entry)
        changed = max(changed, stat.st_mtime)
        if not _is_folder(entry):
            files.append(FileEntry((stat.st_dev, stat.st_ino), stat.st_nlink, stat.st_size))
    return changed, tuple(files)


def freed_bytes(items: Iterable[Item]) -> list[int]:
    """What the removal of each item frees, one after another: a file with several links goes with the last of them."""
    seen: Counter[tuple[int, int]] = Counter()
    freed = []
    for item in items:
        seen.update(file.identity for file in item.files)
        last = {file.identity: file for file in item.files if seen[file.identity] == file.links}
        freed.append(sum(file.size for file in last.values()))
    return freed


def is_set_aside(name: str) -> bool:
    """Whether a name is one that `set_aside` has given."""
    return name.startswith(_COLLECTED)


def original_path(path: str) -> str:
    """Where something lay before it was set aside, by the path that it has now."""
    folder, slash, name = path.rpartition("/")
    return f"{folder}{slash}{name.split('-', 2)[2]}" if is_set_aside(name) else path


def set_aside(path: Path) -> Path:
    """Take a file or folder out of its place in one step, so that it is never there in part. Raises OSError."""
    aside = path.with_name(f"{_COLLECTED}{uuid.uuid4().hex[:12]}-{path.name}")
    path.rename(aside)
    return aside


def remove(path: Path) -> int:
    """Remove a file or folder; returns the bytes that this frees. Raises OSError."""
    freed = 0
    for entry in sorted(_beneath(path), reverse=True):
        if _is_folder(entry):
            entry.rmdir()
        else:
            stat = entry.lstat()
            entry.unlink()
            freed += stat.st_size if stat.st_nlink == 1 else 0
    return freed


def _beneath(path: Path) -> Iterator[Path]:
    """A path and everything beneath it."""
    yield path
    if _is_folder(path):
        for folder, folders, names in os.walk(path, onerror=_raise):
            yield from (Path(folder, name) for name in (*folders, *names))


def _is_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


def _raise(error: OSError) -> None:
    raise error
