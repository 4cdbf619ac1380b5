"""Content digests of files, remembered by what the file system says about them: their stat.

Nothing is remembered of a file that may yet change unnoticed (see `file_state`).
"""

import os
import sqlite3
import time
from collections.abc import Iterator, Sequence
from operator import attrgetter
from pathlib import Path

from preprocessing.base.digests import sha256_file
from preprocessing.base.errors import InputError
from preprocessing.base.file_state import Stat, is_settled, stat_of
from preprocessing.base.links import LINKED_FOLDERS, Links
from preprocessing.base.staging import make_folder

_SCHEMA = """
CREATE TABLE IF NOT EXISTS files (
  path TEXT PRIMARY KEY, size INTEGER, mtime_ns INTEGER, ctime_ns INTEGER, inode INTEGER, sha256 TEXT
) WITHOUT ROWID
"""


class FileDigests:
    """A memory of sha256 digests by (size, mtime, ctime, inode), kept in one SQLite file.

    What is learned is written in one short transaction by `tree` and `close`, never while files are read or a node
    runs: another process (`plan` during a run) must not wait for it.
    """

    def __init__(self, memory: Path, writes: bool = True) -> None:
        """Without `writes` the memory is only read, and none is made; what is learned ends with the process."""
        self._writes = writes
        self._learned: dict[str, tuple[Stat, str]] = {}
        self._written: dict[str, tuple[os.stat_result, str]] = {}
        try:
            self._database = _open(memory, writes)
        except sqlite3.DatabaseError as error:
            if "disk is full" in str(error):
                raise
            raise InputError(
                f"{memory}: not a memory of file digests ({error}). Remove it; it is made again."
            ) from error

    def file(self, path: Path, trust_memory: bool = True) -> str:
        """The sha256 of a file's bytes, from memory where that is trusted and the stat unchanged. Raises OSError."""
        name, before = str(path.absolute()), path.stat()
        if trust_memory and (known := self._recall(name)) and known[0] == stat_of(before):
            return known[1]
        began = time.time_ns()
        digest = sha256_file(path)
        after = stat_of(path.stat())
        if is_settled(before, began) and after == stat_of(before):
            self._learned[name] = after, digest
        return digest

    def files(self, paths: Sequence[str], states: Sequence[str]) -> list[str]:
        """The sha256 of files, absolute and in order of name, whose `file_state` the caller has just seen.

        It asks the memory once for all, where `file` takes a look at each. Raises OSError.
        """
        known = {}
        if paths:
            query = (
                "SELECT path, size||' '||mtime_ns||' '||ctime_ns||' '||inode, sha256 FROM files "
                "WHERE path BETWEEN ? AND ?"
            )
            for path, state, digest in self._database.execute(query, (min(paths), max(paths))):
                known[path, state] = digest
        return [
            known.get((path, state)) or self.file(Path(path))
            for path, state in zip(paths, states, strict=True)
        ]

    def note(self, path: Path, digest: str) -> None:
        """Say what the sha256 of a file is that the caller has just written. Raises OSError.

        It is remembered if the file is settled when what was learned is written.
        """
        self._written[str(path.absolute())] = path.stat(), digest

    def tree(self, root: Path, trust_memory: bool = True) -> dict[str, str]:
        """Relative posix name -> sha256 for every file beneath a folder, or for one file by its name.

        Raises InputError for a link that leads out of the tree and for what cannot be read.
        """
        try:
            known = self._recall_beneath(root) if trust_memory else {}
            found = {}
            for name, path, stat in stats_beneath(root):
                row = known.get(path)
                is_known = row is not None and row[1:5] == stat_of(stat)
                found[name] = row[5] if row and is_known else self.file(Path(path), trust_memory)
        except OSError as error:
            raise InputError(
                f"{error.filename or root}: cannot be read: {error.strerror}. Make it readable."
            ) from error
        self._write()
        return found

    def close(self) -> None:
        """Write what was remembered and close."""
        self._write()
        self._database.close()

    def _recall(self, name: str) -> tuple[Stat, str] | None:
        if name in self._learned:
            return self._learned[name]
        row = self._database.execute(
            "SELECT size, mtime_ns, ctime_ns, inode, sha256 FROM files WHERE path = ?", (name,)
        ).fetchone()
        return None if row is None else (row[:4], row[4])

    def _recall_beneath(self, root: Path) -> dict[str, tuple[str, int, int, int, int, str]]:
        """What is remembered of the files beneath a folder, by their absolute paths: asked once for all."""
        # `0` is the character after `/`.
        query = "SELECT * FROM files WHERE path > ? AND path < ?"
        top = str(root.absolute()).rstrip("/")
        found = {row[0]: row for row in self._database.execute(query, (f"{top}/", f"{top}0"))}
        return found | {
            path: (path, *stat, digest) for path, (stat, digest) in self._learned.items()
        }

    def _write(self) -> None:
        if not self._writes:
            return
        now = time.time_ns()
        for name, (stat, digest) in self._written.items():
            if is_settled(stat, now):
                self._learned[name] = stat_of(stat), digest
        self._written.clear()
        rows = [(name, *stat, digest) for name, (stat, digest) in self._learned.items()]
        with self._database:
            self._database.executemany(
                "INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?, ?)", rows
            )
        self._learned.clear()


def _open(memory: Path, writes: bool) -> sqlite3.Connection:
    if writes:
        make_folder(memory.parent)
        database = sqlite3.connect(memory, timeout=60)
    elif memory.is_file() and memory.stat().st_size:
        database = sqlite3.connect(f"{memory.absolute().as_uri()}?mode=ro", uri=True, timeout=60)
    else:
        database = sqlite3.connect(":memory:")
    database.execute(_SCHEMA)
    return database


def files_beneath(root: Path) -> Iterator[tuple[str, Path]]:
    """(relative posix name, path) of every file beneath `root`, in order within each folder; hidden ones are left out.

    Raises InputError for what cannot be followed safely: a linked folder but for those that may be (`links`), a link
    that leads out or nowhere, a file that is not a regular one; OSError for a folder that cannot be read.
    """
    for name, path, _ in stats_beneath(root):
        yield name, root / name if path != str(root.absolute()) else root


def stats_beneath(root: Path) -> Iterator[tuple[str, str, os.stat_result]]:
    """(relative posix name, absolute path, stat) of the files of `files_beneath`, for trees of many files."""
    if root.is_file():
        yield root.name, str(root.absolute()), root.stat()
        return
    links = Links(root)
    waiting = [("", str(root.absolute()))]
    while waiting:
        prefix, folder = waiting.pop()
        with os.scandir(folder) as scanned:
            entries = sorted(
                (entry for entry in scanned if not entry.name.startswith(".")),
                key=attrgetter("name"),
            )
        below = []
        for entry in entries:
            name = prefix + entry.name
            if entry.is_dir():
                if entry.is_symlink():
                    is_named = name in LINKED_FOLDERS
                    # Only links that are followed are not refused, and none of these leads back up.
                    if not (is_named and links.follow_folder(root / name)):
                        raise InputError(f"{root / name}: a linked folder. Copy the folder there.")
                below.append((f"{name}/", entry.path))
                continue
            if entry.is_symlink() and not links.is_within(root / name):
                raise InputError(
                    f"{root / name}: a link that leads out of {root}. Copy the file there."
                )
            if not entry.is_file():
                raise InputError(f"{root / name}: not a file that can be read. Remove it.")
            yield name, entry.path, entry.stat()
        waiting += reversed(below)
