"""What a corpus job remembers for the next one, in one SQLite file: sources, records, drops, shards.

    sources   name, state (see `source_states`)       which files, and as what they were read
    records   source, shard, id, position, split, document, line    `line` as it is in the index
    drops     source, reason, id, detail              those of copies follow from the records
    shards    digest, path, sha256                    files of Examples in the last artifact

A database, because it is asked for a shard or a document at a time and changed by a few rows: the
memory that it takes does not grow with the corpus. It is a memory and no more: what it says of
files is compared with their stat or their sha256 before it is used, and without it, or with one
that is damaged, the job reads the whole corpus.
"""

import json
import os
import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from types import TracebackType

from preprocessing.base.digests import sha256_text
from preprocessing.base.file_state import file_state
from preprocessing.readers.source_file import SourceFile
from preprocessing.records.copies import Copies, copies_among
from preprocessing.records.record import Drop, Place

_LONGEST_STATE = 200

_SCHEMA = """
CREATE TABLE IF NOT EXISTS recipe (digest TEXT, shards INTEGER);
CREATE TABLE IF NOT EXISTS sources (name TEXT PRIMARY KEY, state TEXT) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS records (
  shard INTEGER, id TEXT, source TEXT, position INTEGER, split TEXT, document TEXT, line TEXT,
  PRIMARY KEY (shard, id, source, position)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS records_by_source ON records (source);
CREATE INDEX IF NOT EXISTS records_by_document ON records (document);
CREATE TABLE IF NOT EXISTS drops (source TEXT, reason TEXT, id TEXT, detail TEXT);
CREATE INDEX IF NOT EXISTS drops_by_source ON drops (source);
CREATE TABLE IF NOT EXISTS shards (digest TEXT PRIMARY KEY, path TEXT, sha256 TEXT) WITHOUT ROWID;
"""
_TABLES = ("recipe", "sources", "records", "drops", "shards")


class LedgerError(Exception):
    """The ledger cannot be used: damaged, or two records have one id."""


class Ledger:
    """A ledger, open for one job; what is changed counts only after `commit`.

    Every method raises LedgerError for a damaged file.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._database = sqlite3.connect(path, timeout=60, isolation_level=None)
            self._database.executescript(_SCHEMA)
            self._database.execute("BEGIN IMMEDIATE")
        except sqlite3.Error as error:
            raise LedgerError(str(error)) from error

    def __enter__(self) -> "Ledger":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Forget what was not committed. A mistake of the database becomes a LedgerError."""
        self._database.close()
        if isinstance(error, sqlite3.Error):
            raise LedgerError(str(error)) from error

    def commit(self) -> None:
        """Make what was changed count."""
        self._database.execute("COMMIT")

    def begin(self, recipe: str, shards: int) -> None:
        """Forget everything, to remember a job with this recipe and so many shards."""
        for table in _TABLES:
            self._database.execute(f"DELETE FROM {table}")
        self._database.execute("INSERT INTO recipe VALUES (?, ?)", (recipe, shards))

    def is_of(self, recipe: str, shards: int) -> bool:
        """Whether the job that is remembered had this recipe and so many shards."""
        return self._all("SELECT * FROM recipe") == [(recipe, shards)]

    def states(self) -> dict[str, str]:
        """The state of each source that is remembered."""
        return dict(self._database.execute("SELECT name, state FROM sources"))

    def forget(self, names: Iterable[str]) -> None:
        """Forget sources and what became of them."""
        keys = [(name,) for name in names]
        for table, column in (("sources", "name"), ("records", "source"), ("drops", "source")):
            self._database.executemany(f"DELETE FROM {table} WHERE {column} = ?", keys)

    def add_source(self, name: str, state: str) -> None:
        """Remember that a source was read in this state."""
        self._database.execute("INSERT INTO sources VALUES (?, ?)", (name, state))

    def add_drop(self, drop: Drop) -> None:
        """Remember a drop."""
        row = drop.source, drop.reason, drop.id, drop.detail
        self._database.execute("INSERT INTO drops VALUES (?, ?, ?, ?)", row)

    def add_record(self, line: str) -> None:
        """Remember a record by its line in the index."""
        of = json.loads(line)
        names = ("shard", "id", "source", "position", "split", "document")
        row = (*(of[name] for name in names), line)
        self._database.execute("INSERT INTO records VALUES (?, ?, ?, ?, ?, ?, ?)", row)

    def has_record(self, shard: int, record_id: str) -> bool:
        """Whether a record with this id is remembered, in the shard where it would be."""
        return bool(
            self._all("SELECT 1 FROM records WHERE (shard, id) = (?, ?)", (shard, record_id))
        )

    def copies(self) -> Iterator[Copies]:
        """The copies among the records."""
        rows = self._database.execute(
            "SELECT document, id, source, position, split FROM records WHERE document IN "
            "(SELECT document FROM records GROUP BY document HAVING COUNT(*) > 1) ORDER BY document"
        )
        for _, group in groupby(rows, key=lambda row: row[0]):
            yield from copies_among(Place(*row[1:]) for row in group)

    def lines(self, shard: int) -> Iterator[tuple[str, str, int, str, str]]:
        """The records of a shard by id: the four values of their Place, and their lines."""
        query = "SELECT id, source, position, split, line FROM records WHERE shard = ? ORDER BY id"
        return self._database.execute(query, (shard,))

    def drops(self) -> Iterator[Drop]:
        """The drops, but not those of copies."""
        rows = self._database.execute("SELECT reason, source, id, detail FROM drops")
        return (Drop(*row) for row in rows)

    def example_file(self, digest: str) -> tuple[str, str] | None:
        """Path and sha256 of the file of Examples with this digest (see `update`)."""
        row = self._all("SELECT path, sha256 FROM shards WHERE digest = ?", (digest,))
        return row[0] if row else None

    def replace_example_files(self, files: Iterable[tuple[str, str, str]]) -> None:
        """Remember (digest, path, sha256) of the files of the newest artifact alone."""
        self._database.execute("DELETE FROM shards")
        self._database.executemany("INSERT OR REPLACE INTO shards VALUES (?, ?, ?)", files)

    def _all(self, query: str, values: Sequence[str | int] = ()) -> list[tuple]:
        return self._database.execute(query, values).fetchall()


def source_states(folder: Path, sources: Mapping[str, Sequence[SourceFile]]) -> dict[str, str]:
    """Of each file, by its name, all that decides how its pieces in `sources` are read, as a text.

    These are size, times and inode, and how the listing has it cut and split. The state of a file
    that may yet change unnoticed, or cannot be looked at, is empty: it must be read again.
    """
    now_ns = time.time_ns()
    states = {}
    for name, pieces in sources.items():
        first = pieces[0]
        state = first.state or _state(folder, name, now_ns)
        if len(pieces) == 1 and first.is_whole and first.drop is None and first.companion is None:
            states[name] = f"{state} {first.split}" if state else ""  # as nearly all are
            continue
        companions = {piece.companion for piece in pieces if piece.companion is not None}
        files = [state, *(_state(folder, file, now_ns) for file in companions)]
        cuts = [(piece.split, piece.start, piece.stop, piece.drop) for piece in pieces]
        state = f"{files} {cuts}"
        # Long where a file is cut into many pieces, or a list names many stories that are missing.
        short = state if len(state) <= _LONGEST_STATE else sha256_text(state)
        states[name] = short if all(files) else ""
    return states


def _state(folder: Path, name: str, now_ns: int) -> str:
    try:
        return file_state(os.stat(folder / name), now_ns)
    except OSError:
        return ""
