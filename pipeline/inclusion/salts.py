"""The salts of records: random bytes without which nobody can tell a record's leaf from its digest.

They lie in a file of the workspace, in no output of a node and not in the store, so that one can be deleted. A record
has one salt in whatever corpora it is. It is found by a digest of the record's id and digest.
"""

import os
import sqlite3
from collections.abc import Iterable, Sequence
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from pipeline.failure import is_full
from preprocessing.base.errors import InputError
from preprocessing.base.staging import make_folder

SALTS = "salts.sqlite"
# 128 bits, as RFC 9901 (section 9.3) asks of a salt that hides a value.
SALT_BYTES = 16
_NAME_BYTES = 16
_SCHEMA = (
    "CREATE TABLE IF NOT EXISTS salts (record BLOB PRIMARY KEY, salt BLOB NOT NULL) WITHOUT ROWID"
)


class SaltedRecord(NamedTuple):
    """What a leaf says of a record. digest: SHA-256 of its source's bytes, in hex; see `preprocessing.records`."""

    id: str
    digest: str


class Salts:
    """`salts.sqlite` of a workspace. Raises InputError where it cannot be read."""

    def __init__(self, workspace: Path, writes: bool = False) -> None:
        """Without `writes` the file is only read, and none is made."""
        self._path = workspace / SALTS
        if writes:
            make_folder(workspace)
            self._database = sqlite3.connect(self._path, timeout=60)
        elif self._path.is_file():
            place = f"{self._path.absolute().as_uri()}?mode=ro"
            self._database = sqlite3.connect(place, uri=True, timeout=60)
        else:
            self._database = sqlite3.connect(":memory:")
        # What is deleted is overwritten.
        self._execute("PRAGMA secure_delete = ON")
        self._execute("PRAGMA cache_size = -65536")
        if writes or not self._path.is_file():
            self._execute(_SCHEMA)

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def find(self, record: SaltedRecord) -> bytes | None:
        """The salt of a record; None where it has none, or none any more."""
        return self._known([_name(record)]).get(_name(record))

    def of(self, records: Sequence[SaltedRecord]) -> list[bytes]:
        """The salts of records, some thousands at most; who has none gets one. `commit` keeps those."""
        names = [_name(record) for record in records]
        known = self._known(names)
        new = [name for name in dict.fromkeys(names) if name not in known]
        if new:
            made = [(name, os.urandom(SALT_BYTES)) for name in new]
            # Another process may have made one meanwhile; from here on it waits.
            self._many("INSERT OR IGNORE INTO salts VALUES (?, ?)", made)
            known.update(self._known(new))
        return [known[name] for name in names]

    def commit(self) -> None:
        """Keep the salts that were made."""
        with self._told():
            self._database.commit()

    def forget(self, records: Iterable[SaltedRecord]) -> int:
        """Delete the salts of records for good; returns how many there were.

        No proof can be made of these records any more. Those of all others can, and those that were made hold.
        """
        before = self._database.total_changes
        self._many("DELETE FROM salts WHERE record = ?", [(_name(record),) for record in records])
        self.commit()
        deleted = self._database.total_changes - before
        if deleted:
            self._execute("VACUUM")
        return deleted

    def _known(self, names: Sequence[bytes]) -> dict[bytes, bytes]:
        marks = ",".join("?" * len(names))
        rows = self._execute(f"SELECT record, salt FROM salts WHERE record IN ({marks})", names)
        return dict(rows.fetchall())

    def _execute(self, statement: str, values: Sequence[bytes] = ()) -> sqlite3.Cursor:
        with self._told():
            return self._database.execute(statement, values)

    def _many(self, statement: str, rows: Sequence[tuple[bytes, ...]]) -> None:
        with self._told():
            self._database.executemany(statement, rows)

    def _told(self) -> "_Told":
        return _Told(self._path)


class _Told:
    """Raises InputError in place of what SQLite raises, but for a full disk."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> None: ...

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, sqlite3.Error) and not is_full(error):
            raise InputError(
                f"{self._path}: the salts of the records cannot be read ({error}). Bring the file back from a "
                "backup: without it no record can be proved to be in what was signed."
            ) from error


def _name(record: SaltedRecord) -> bytes:
    return sha256(bytes.fromhex(record.digest) + record.id.encode()).digest()[:_NAME_BYTES]
