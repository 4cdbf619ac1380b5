"""The files of a corpus: a folder or a single file, on this machine or in any file system that Beam knows.

Names, sizes and a file's bytes are asked here and nowhere else, so that what reads a corpus need not know where it is.
"""

import os
import time
from collections.abc import Mapping
from functools import cached_property, partial
from operator import attrgetter
from pathlib import Path
from typing import BinaryIO

from apache_beam.io.filesystems import FileSystems

from preprocessing.base.errors import InputError
from preprocessing.base.file_state import file_state
from preprocessing.base.links import LINKED_FOLDERS, Links
from preprocessing.base.places import files_matching, is_folder, is_local, open_file, size_of
from preprocessing.readers.content import OpenFile
from preprocessing.readers.file_names import is_apple_double
from preprocessing.readers.source_file import SourceFile


class CorpusFiles:
    """The files of a corpus, a folder or a single file.

    root: its place as it was named. is_folder: whether that is a folder. folder: what the names are relative to: the
    corpus itself, or the folder of a single file.
    """

    def __init__(self, root: str | os.PathLike[str]) -> None:
        place = os.fspath(root)
        self.root = str(Path(place)) if is_local(place) else place.rstrip("/")
        self.is_folder = is_folder(self.root)
        self.folder = self.root if self.is_folder else FileSystems.split(self.root)[0] or "."

    def exists(self) -> bool:
        """Whether there is a folder or a file of this name."""
        return self.is_folder or size_of(self.root) is not None

    def has_folder(self, name: str) -> bool:
        """Whether the corpus is a folder with one of this name in it."""
        return self.is_folder and is_folder(self.place(name))

    def place(self, name: str) -> str:
        """The place of a file."""
        return f"{self.folder}/{name}"

    @property
    def open(self) -> OpenFile:
        """How a file is opened by its name, in whatever process."""
        return opener_in(self.folder)

    def find(
        self,
        suffixes: tuple[str, ...],
        recursive: bool,
        within: str = "",
        skipped: list[str] | None = None,
    ) -> list[SourceFile]:
        """The files in the folder `within`, or the single file, whose names end in a suffix, by name, without splits.

        Capitals in a suffix make no difference. What has a name that begins with a dot is no text, and no
        digest of the corpus covers it; the names of those that macOS has put beside files with such a
        suffix (`._a.txt`) are added to `skipped`. Raises InputError for a link out of the corpus, and for
        a name that is not UTF-8.
        """
        if not self.is_folder:
            name = FileSystems.split(self.root)[1]
            size = size_of(self.root) or 0
            return [SourceFile.whole(name, size)] if name.lower().endswith(suffixes) else []
        seen = [] if skipped is None else skipped
        if is_local(self.root):
            found = _found_here(Path(self.root), within, suffixes, recursive, seen)
        else:
            found = _found_in_store(self._sizes, within, suffixes, recursive, seen)
        return sorted(found, key=attrgetter("name"))

    @cached_property
    def _sizes(self) -> Mapping[str, int]:
        """The objects of a store by name, which are listed once."""
        beneath = len(self.root) + 1
        return {
            metadata.path[beneath:]: metadata.size_in_bytes
            for metadata in files_matching(self.root, "**")
        }


def opener_in(folder: str) -> OpenFile:
    """How a file of the corpus in a folder is opened by its name."""
    return partial(_open, folder)


def _open(folder: str, name: str) -> BinaryIO:
    return open_file(f"{folder}/{name}")


def _found_in_store(
    sizes: Mapping[str, int],
    within: str,
    suffixes: tuple[str, ...],
    recursive: bool,
    skipped: list[str],
) -> list[SourceFile]:
    prefix = f"{within}/" if within else ""
    found = []
    for name, size in sizes.items():
        *folders, last = name.removeprefix(prefix).split("/")
        if (
            not name.startswith(prefix)
            or (folders and not recursive)
            or any(part.startswith(".") for part in folders)
        ):
            continue
        if last.startswith("."):
            skipped += [name] if is_apple_double(last, suffixes) else []
        elif last.lower().endswith(suffixes):
            found.append(SourceFile.whole(name, size))
    return found


def _found_here(
    root: Path, within: str, suffixes: tuple[str, ...], recursive: bool, skipped: list[str]
) -> list[SourceFile]:
    """Links are followed that the folder's owner has made on purpose (`links`).

    A linked folder is not entered: what it holds is listed where it is.
    """
    folder = root / within
    links = Links(root)
    if not links.follow_folder(folder):
        raise _outside(folder)
    found: list[SourceFile] = []
    now_ns = time.time_ns()
    folders = [folder]
    while folders:
        current = folders.pop()
        # Not a Path for each file: of 100,000 that takes longer than to list and look at them.
        prefix = "".join(f"{part}/" for part in current.relative_to(root).parts)
        with os.scandir(current) as entries:
            for entry in entries:
                if entry.name.startswith("."):
                    if is_apple_double(entry.name, suffixes):
                        skipped.append(prefix + entry.name)
                    continue
                if entry.is_symlink() and not links.is_within(Path(entry.path)):
                    if prefix + entry.name in LINKED_FOLDERS:
                        continue
                    raise _outside(Path(entry.path))
                is_read = entry.name.lower().endswith(suffixes)
                if is_read and entry.is_symlink() and not os.path.exists(entry.path):
                    raise InputError(
                        f"{entry.path}: a link to {os.readlink(entry.path)}, where nothing is; get the file, or "
                        "remove the link"
                    )
                if recursive and entry.is_dir(follow_symlinks=False):
                    folders.append(Path(entry.path))
                elif is_read and entry.is_file():
                    name = prefix + entry.name
                    if not name.isascii():
                        _check_encoding(name, entry.path)
                    stat = entry.stat()
                    found.append(SourceFile.whole(name, stat.st_size, file_state(stat, now_ns)))
    return found


def _outside(path: Path) -> InputError:
    """The refusal of a link that leads out of the corpus, to what nobody may have meant to be read."""
    return InputError(
        f"{path}: a link to {os.path.realpath(path)}, outside the corpus; "
        "copy the file into the corpus, or remove the link"
    )


def _check_encoding(name: str, path: str) -> None:
    try:
        name.encode()
    except UnicodeEncodeError as error:
        raise InputError(
            f"{os.fsencode(path)!r}: the file's name is not UTF-8; rename it"
        ) from error
