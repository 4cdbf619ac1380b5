"""The files beneath a folder, also behind the links that its owner has made on purpose, and behind no others.

A link that leads elsewhere could bring files into a corpus that nobody meant to be read.
"""

import os
from collections.abc import Iterator
from pathlib import Path

from preprocessing.base.errors import InputError

# Folders of CNN/DailyMail's release, which may lie on another disk: links by these names are followed.
_LINKED_FOLDERS = frozenset({"cnn", "cnn/stories", "dailymail", "dailymail/stories"})


def files_beneath(
    root: Path,
    suffixes: tuple[str, ...] = ("",),
    recursive: bool = True,
    within: str = "",
    hidden: bool = False,
) -> Iterator[tuple[str, str]]:
    """(relative posix name, absolute path) of every file beneath `root`, in any order, or of one file.

    suffixes: what their names end in, in small letters or in capitals. within: a folder in it, beneath which alone is
    looked. hidden: with the files, not the folders, whose names begin with a dot. No Path is made for each file: of
    100,000 that takes longer than to list them.

    Raises InputError for what cannot be followed safely: a linked folder but for those that may be, a link that leads
    out or nowhere, a file that is not a regular one; OSError for a folder that cannot be read.
    """
    if root.is_file():
        if root.name.lower().endswith(suffixes):
            yield root.name, str(root.absolute())
        return
    top = str(root.absolute())
    places = [root.resolve(), *_cache_of(root.resolve())]

    def enter(folder: str) -> str:
        path = Path(top, folder)
        if path.is_symlink():
            if folder not in _LINKED_FOLDERS:
                raise InputError(f"{root / folder}: a linked folder. Copy the folder there.")
            # None of these leads back up.
            places.append(path.resolve())
        return f"{folder}/"

    start = ""
    for part in filter(None, within.split("/")):
        start = enter(start + part)
    waiting = [start]
    while waiting:
        folder = waiting.pop()
        below = []
        # One after the other: of a million entries a list would take 300 MB.
        for entry in _entries(os.path.join(top, folder)):
            name, is_link = folder + entry.name, entry.is_symlink()
            is_wanted = name.lower().endswith(suffixes)
            if entry.name.startswith("."):
                if hidden and is_wanted and not entry.is_dir(follow_symlinks=False):
                    yield name, entry.path
            # An entry asks for no more than its folder has said, but fails for links that lead to one another.
            elif os.path.isdir(entry.path) if is_link else entry.is_dir():
                below.append(enter(name))
            elif is_wanted:
                if is_link and not _is_in(entry.path, places):
                    raise InputError(
                        f"{root / name}: a link that leads out of {root}. Copy the file there."
                    )
                if not (os.path.isfile(entry.path) if is_link else entry.is_file()):
                    found = (
                        f"a link to {os.readlink(entry.path)}, where nothing is that"
                        if is_link
                        else "not a file that"
                    )
                    raise InputError(f"{root / name}: {found} can be read. Remove it.")
                yield name, entry.path
        waiting += below if recursive else []


def _entries(folder: str) -> Iterator[os.DirEntry[str]]:
    with os.scandir(folder) as entries:
        yield from entries


def _is_in(path: str, places: list[Path]) -> bool:
    # Not Path.resolve, which fails for links that lead to one another.
    target = Path(os.path.realpath(path))
    return any(target.is_relative_to(place) for place in places)


def _cache_of(root: Path) -> list[Path]:
    """The cache of Hugging Face that a folder is in: files in `snapshots/<revision>` are links to `blobs`."""
    for folder in (root, *root.parents):
        if folder.name == "snapshots" and (folder.parent / "blobs").is_dir():
            return [folder.parent]
    return []
