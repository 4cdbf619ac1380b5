"""The files of a corpus: a folder or a single file, on this machine or in any file system that Beam knows.

Names, sizes and a file's bytes are asked here and nowhere else, so that what reads a corpus need not know where it is.
"""

import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property, partial
from pathlib import Path
from typing import BinaryIO

from preprocessing.base.errors import InputError
from preprocessing.base.file_state import file_state
from preprocessing.base.folder_files import files_beneath
from preprocessing.base.places import files_matching, is_folder, is_local, open_file, size_of, split
from preprocessing.readers.source_file import OpenFile, SourceFile
from preprocessing.records.record import Drop

# The reason of a drop that says nothing against a corpus.
APPLE_DOUBLE = "apple_double"


class CorpusFiles:
    """The files of a corpus, a folder or a single file.

    root: its place as it was named. is_folder: whether that is a folder. folder: what the names are relative to: the
    corpus itself, or the folder of a single file. Raises InputError for a store that gives no answer.
    """

    def __init__(self, root: str | os.PathLike[str]) -> None:
        place = os.fspath(root)
        self.root = str(Path(place)) if is_local(place) else place.rstrip("/")
        with answered(self.root):
            self.is_folder = is_folder(self.root)
        self._apple_doubles: set[str] = set()
        self.folder = self.root if self.is_folder else split(self.root)[0]

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
        self, suffixes: tuple[str, ...], recursive: bool, within: str = ""
    ) -> Iterator[SourceFile]:
        """The files in the folder `within`, or the single file, whose names end in a suffix, by name, without splits.

        Capitals in a suffix make no difference. What has a name that begins with a dot is no text, and no
        digest of the corpus covers it (see `apple_doubles`). Raises InputError as `files_beneath`, and for a name that
        is not UTF-8.
        """
        names = []
        for name in self._names(suffixes, recursive, within):
            if not (self.is_folder and name.startswith(".", name.rfind("/") + 1)):
                names.append(name)
            elif name.startswith("._", name.rfind("/") + 1):
                self._apple_doubles.add(name)
        names.sort()
        return map(self._source_of, names)

    def apple_doubles(self) -> list[SourceFile]:
        """What macOS has put there about files that were looked for (`._a.txt`): to be counted and not read."""
        detail = "a file of macOS about the one beside it, with no text"
        return [
            SourceFile.whole(name, 0)._replace(drop=Drop(APPLE_DOUBLE, name, name, detail))
            for name in sorted(self._apple_doubles)
        ]

    def _names(self, suffixes: tuple[str, ...], recursive: bool, within: str) -> Iterable[str]:
        if is_local(self.root):
            found = files_beneath(Path(self.root), suffixes, recursive, within, hidden=True)
            return (name for name, _ in found)
        prefix = f"{within}/" if within else ""
        return [
            name
            for name in self._sizes
            if name.startswith(prefix)
            and name.lower().endswith(suffixes)
            and (recursive or "/" not in name.removeprefix(prefix))
            and "/." not in f"/{name}".rpartition("/")[0]
        ]

    @cached_property
    def _source_of(self) -> Callable[[str], SourceFile]:
        if not is_local(self.root):
            return lambda name: SourceFile.whole(name, self._sizes[name])
        prefix, now_ns = f"{self.folder}/", time.time_ns()

        def source(name: str) -> SourceFile:
            if not name.isascii():
                _check_encoding(name, prefix + name)
            stat = os.stat(prefix + name)
            return SourceFile.whole(name, stat.st_size, file_state(stat, now_ns))

        return source

    @cached_property
    def _sizes(self) -> Mapping[str, int]:
        """The objects of a store by name, which are listed once."""
        if not self.is_folder:
            return {split(self.root)[1]: size_of(self.root) or 0}
        beneath = len(self.root) + 1
        return {
            metadata.path[beneath:]: metadata.size_in_bytes
            for metadata in files_matching(self.root, "**")
        }


@contextmanager
def answered(root: str) -> Iterator[None]:
    """A context in which a store that gives no answer about a corpus is an InputError."""
    if is_local(root):
        yield
        return
    from apache_beam.io.filesystem import BeamIOError

    try:
        yield
    except BeamIOError as error:
        raise InputError(f"{root}: cannot be listed: {error}") from error


def opener_in(folder: str) -> OpenFile:
    """How a file of the corpus in a folder is opened by its name."""
    return partial(_open, folder)


def _open(folder: str, name: str) -> BinaryIO:
    return open_file(f"{folder}/{name}")


def _check_encoding(name: str, path: str) -> None:
    try:
        name.encode()
    except UnicodeEncodeError as error:
        raise InputError(
            f"{os.fsencode(path)!r}: the file's name is not UTF-8; rename it"
        ) from error
