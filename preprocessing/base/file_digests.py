"""Content digests of files, remembered by what the file system says about them: their stat.

Nothing is remembered of a file that may yet change unnoticed (see `file_state`).
"""

import os
import sqlite3
import time
from collections.abc import Sequence
from pathlib import Path

from preprocessing.base.digests import sha256_file
from preprocessing.base.errors import InputError
from preprocessing.base.file_state import FileState, is_settled, state_of
from preprocessing.base.folder_files import files_beneath
from preprocessing.base.staging import make_folder

_SCHEMA = """
CREATE TABLE IF NOT EXISTS files (
  path TEXT PRIMARY KEY, size INTEGER, mtime_ns INTEGER, ctime_ns INTEGER, inode INTEGER, sha256 TEXT
) WITHOUT ROWID
"""
# So many digests are held at most, of half a KB each, and written in some 20 ms.
_MANY = 4096

_STATE = "size, mtime_ns, ctime_ns, inode"


class FileDigests:
    """A memory of sha256 digests by (size, mtime, ctime, inode), kept in one SQLite file.

    What is learned is written in short transactions, by `tree` and `close` and whenever it is much, never while a file
    is read or a node runs: another process (`plan` during a run) must not wait for it.
    """

    def __init__(self, memory: Path, writes: bool = True) -> None:
        """Without `writes` the memory is only read, and none is made; what is learned ends with the process."""
        self._writes = writes
        self._learned: dict[str, tuple[FileState, str]] = {}
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
        if trust_memory and (known := self._recall(name)) and known[0] == state_of(before):
            return known[1]
        began = time.time_ns()
        digest = sha256_file(path)
        after = state_of(path.stat())
        if is_settled(before, began) and after == state_of(before):
            self._learned[name] = after, digest
            if len(self._learned) >= _MANY:
                self._write()
        return digest

    def files(self, paths: Sequence[str], states: Sequence[FileState | None]) -> list[str]:
        """The sha256 of files, by their absolute paths, whose states (`state_of`) the caller has just seen.

        It asks the memory once for all, where `file` takes a look at each. Raises OSError.
        """
        found: list[str | None] = [None] * len(paths)
        if paths:
            numbers = {path: number for number, path in enumerate(paths)}
            query = f"SELECT path, sha256, {_STATE} FROM files WHERE path BETWEEN ? AND ?"
            for row in self._database.execute(query, (min(paths), max(paths))):
                number = numbers.get(row[0])
                if number is not None and row[2:] == states[number]:
                    found[number] = row[1]
        return [digest or self.file(Path(path)) for path, digest in zip(paths, found, strict=True)]

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
            paths = dict(files_beneath(root))
            if trust_memory:
                states = [state_of(os.stat(path)) for path in paths.values()]
                found = self.files(list(paths.values()), states)
            else:
                found = [self.file(Path(path), trust_memory=False) for path in paths.values()]
        except OSError as error:
            raise InputError(
                f"{error.filename or root}: cannot be read: {error.strerror}. Make it readable."
            ) from error
        self._write()
        return dict(zip(paths, found, strict=True))

    def close(self) -> None:
        """Write what was remembered and close."""
        self._write()
        self._database.close()

    def _recall(self, name: str) -> tuple[FileState, str] | None:
        if name in self._learned:
            return self._learned[name]
        query = f"SELECT sha256, {_STATE} FROM files WHERE path = ?"
        for digest, *state in self._database.execute(query, (name,)):
            return FileState(*state), digest
        return None

    def _write(self) -> None:
        if not self._writes:
            return
        now = time.time_ns()
        for name, (stat, digest) in [*self._written.items()]:
            if is_settled(stat, now):
                self._learned[name] = state_of(stat), digest
                del self._written[name]
        rows = [(name, *state, digest) for name, (state, digest) in self._learned.items()]
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
