"""From a portion of a corpus to what is known of its records, which is kept in a file of its own.

    4e07408562bedb8b60ce05c1decfe3ad16b72230967de01f640b7e4729b49fce       the digest of all that follows
    {"rows_before": 0, "drops": 1, "hashes": "WJp..."}                       see `Summary`
    [["s1", "s1.story", 0, "train", false, "9f86d0...", "2c26b4...", 0]]     of each record place, digests and part
    [{"reason": "empty_article", "source": "s2.story", "id": "s2", ...}]     the drops

The texts of the records are in the shards alone.
"""

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from preprocessing.base.job_cache import read_sealed, write_sealed
from preprocessing.corpus.portions import Portion
from preprocessing.readers.content import READ_ERRORS
from preprocessing.readers.source_file import Corpus, SourceFile
from preprocessing.records.exclusion import exclusion
from preprocessing.records.index import IndexEntry, hash_of_id
from preprocessing.records.record import Drop, Fault, Outcome, Place
from preprocessing.tasks.registry import TASKS


def read_source(source: SourceFile, corpus: Corpus) -> Iterator[Outcome]:
    """The records, drops and faults of `source`.

    A file that is named in `options.exclude` becomes a Drop with the reason `excluded`. A file that
    cannot be read is a Fault.
    """
    if excluded := exclusion(source.name, source.name, corpus.options.excluded):
        yield excluded
    elif source.drop is not None:
        yield source.drop
    else:
        try:
            yield from TASKS[corpus.options.task].read(source, corpus)
        except READ_ERRORS as error:
            yield Fault(f"{source.name}: cannot be read: {error}; make it readable or remove it")


@dataclass
class Reading:
    """What is known of a portion.

    entries: of each record in order, whose place counts from the first row of the portion; parts: in which of the
    portion's shards it is. rows_before: as it was when the portion was read; the drops name rows by it.
    """

    rows_before: int
    entries: list[IndexEntry] = field(default_factory=list)
    parts: list[int] = field(default_factory=list)
    drops: list[Drop] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)

    def summary(self) -> "Summary":
        """What settling asks of it."""
        hashes = (hash_of_id(entry.place.id) + entry.document[:8] for entry in self.entries)
        return Summary(self.rows_before, len(self.drops), b"".join(hashes))

    def write(self, path: str) -> None:
        """Write it into a file, without the faults: what has faults is read again."""
        summary = self.summary()
        head = summary._asdict() | {"hashes": base64.b64encode(summary.hashes).decode()}
        records = [
            (*entry.place, entry.digest, entry.document.hex(), part)
            for entry, part in zip(self.entries, self.parts, strict=True)
        ]
        lines = (head, records, [drop.to_dict() for drop in self.drops])
        write_sealed(path, "\n".join(map(json.dumps, lines)).encode())


class Summary(NamedTuple):
    """A reading in short.

    drops: how many there are. hashes: of each record eight bytes for its id and eight for its document.
    """

    rows_before: int
    drops: int
    hashes: bytes

    def is_of(self, portion: Portion) -> bool:
        """Whether the same bytes would be read to the same now: rows before them are seen in drops alone."""
        return not self.drops or self.rows_before == portion.rows_before


def read_summary(path: str) -> Summary:
    """The summary of a reading that was written. Raises OSError."""
    head = json.loads(read_sealed(path).partition(b"\n")[0])
    return Summary(**head | {"hashes": base64.b64decode(head["hashes"])})


def read_reading(path: str) -> Reading:
    """What `Reading.write` has written. Raises OSError."""
    head, records, drops = map(json.loads, read_sealed(path).split(b"\n"))
    reading = Reading(head["rows_before"], drops=[Drop(**values) for values in drops])
    for *place, digest, document, part in records:
        reading.entries.append(IndexEntry(Place(*place), digest, bytes.fromhex(document)))
        reading.parts.append(part)
    return reading
