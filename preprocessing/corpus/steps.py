"""What is done with the portions of a corpus, in whatever process: reading, settling, finishing, reporting."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

from apache_beam.io.filesystems import FileSystems

from preprocessing.base.file_digests import FileDigests
from preprocessing.base.places import write_json
from preprocessing.corpus.portions import Portion, portions_of
from preprocessing.corpus.reading import read_reading
from preprocessing.corpus.report import Tally, write_report
from preprocessing.corpus.settlement import Amendment, Member, Settlement, repeated
from preprocessing.corpus.shards import ShardWriter, Written
from preprocessing.readers.sources import Sources
from preprocessing.records.record import Fault
from preprocessing.tasks.registry import TASKS, look_into


class Hashed(NamedTuple):
    """What settling asks of a portion: its number, its reading's place, rows_before and the hashes (see `Summary`)."""

    number: int
    reading: str
    rows_before: int
    hashes: bytes


@dataclass(frozen=True)
class Task:
    """A portion and what is known of it.

    reading: the place of its reading, which is there if `written` is.
    written: where its shards are, now or from an earlier job; None if it must be read. hashes: of its records.
    is_new: whether this job reads it. faults: as in `Reading`.
    """

    portion: Portion
    reading: str
    written: Written | None = None
    hashes: bytes = b""
    is_new: bool = True
    faults: tuple[Fault, ...] = ()

    @property
    def shards(self) -> str:
        """The place of the file that says where its shards are when the job is done; none if it has faults."""
        return f"{self.reading}.shards"

    @property
    def hashed(self) -> Hashed:
        """What settling asks of it."""
        return Hashed(self.portion.number, self.reading, self.portion.rows_before, self.hashes)


@dataclass(frozen=True)
class CorpusJob:
    """What is done with a corpus, in whatever process.

    readings: the folder of the readings that no memory keeps. portion_bytes: see `portions_of`. digests: what is known
        of files, where they are at hand.
    """

    writer: ShardWriter
    readings: str
    portion_bytes: int
    digests: FileDigests | None = None

    def look(self, files: Sources) -> Sources:
        """Whole files in the pieces that they are seen to have when they are looked into."""
        return look_into(files, self.writer.corpus)

    def portions(self, looked_at: Sources) -> list[Portion]:
        """The portions of what files were seen to be, in their order."""
        corpus = self.writer.corpus
        return portions_of(TASKS[corpus.options.task].cut(looked_at, corpus), self.portion_bytes)

    def task(self, portion: Portion) -> Task:
        """A portion of which nothing is remembered."""
        return Task(portion, FileSystems.join(self.readings, str(portion.number)))

    def read(self, task: Task) -> Task:
        """Read a portion if it is new, and write its Examples and its reading."""
        if not task.is_new:
            return task
        reading, written = self.writer.read(task.portion)
        reading.write(task.reading)
        hashes, faults = reading.summary().hashes, tuple(reading.faults)
        return replace(task, written=written, hashes=hashes, faults=faults)

    def settle(self, hashed: Iterable[Hashed]) -> Settlement:
        """Settle what the records of all portions mean for one another."""
        by_number = {portion.number: portion for portion in sorted(hashed)}
        members = []
        for number, ordinals in repeated({n: each.hashes for n, each in by_number.items()}):
            entries = read_reading(by_number[number].reading).entries
            for ordinal in ordinals:
                entry = entries[ordinal].moved(by_number[number].rows_before)
                if self.writer.excluded(entry) is None:
                    members.append(Member(number, ordinal, entry))
        return Settlement.of(members, self.writer.options.on_leak)

    def finish(self, settled: tuple[Task, Mapping[int, Amendment]]) -> Tally:
        """Write what is left of a portion that was read, and where its shards are; what became of its documents."""
        task, amendments = settled
        reading = read_reading(task.reading)
        reading.faults += task.faults
        assert task.written is not None
        tally, written = self.writer.finish(
            task.portion, reading, task.written, amendments, task.is_new, self.digests
        )
        if not task.faults:
            write_json(task.shards, written)
        return tally

    def report(self, tallies: Iterable[Tally]) -> None:
        """Write the reports."""
        whole = Tally()
        for tally in tallies:
            whole.merge(tally)
        write_report(whole, self.writer.report_dir)
