"""What is done with the portions of a corpus, in whatever process: reading, settling, finishing, reporting."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from apache_beam.io.filesystems import FileSystems

from preprocessing.base.file_digests import FileDigests
from preprocessing.corpus.portions import Portion, portions_of
from preprocessing.corpus.reading import read_reading
from preprocessing.corpus.report import Tally, write_report
from preprocessing.corpus.settlement import Amendment, Member, Settlement, settle
from preprocessing.corpus.shards import ShardWriter, Written
from preprocessing.readers.source_file import SourceFile
from preprocessing.records.record import Fault
from preprocessing.tasks.registry import TASKS


@dataclass(frozen=True)
class Task:
    """A portion and what is known of it.

    reading: the path of its reading, which is there if `written` is.
    written: where an earlier job has put its shards; None if it must be read. hashes: of its records then.
    """

    portion: Portion
    reading: str
    written: Written | None = None
    hashes: bytes = b""

    @property
    def is_new(self) -> bool:
        """Whether it is to be read."""
        return self.written is None

    @property
    def shards(self) -> str:
        """The path of the file that says where its shards are when the job is done; none if it has faults."""
        return f"{self.reading}.shards"


class Hashed(NamedTuple):
    """What settling asks of a portion: its number, its reading's place, rows_before and the hashes (see `Summary`)."""

    number: int
    reading: str
    rows_before: int
    hashes: bytes


class Read(NamedTuple):
    """What is known of a portion when it is read. hashes: see `Summary`. faults: as in `Reading`."""

    task: Task
    hashes: bytes
    written: Written
    faults: tuple[Fault, ...] = ()

    @property
    def hashed(self) -> Hashed:
        """What settling asks of it."""
        portion = self.task.portion
        return Hashed(portion.number, self.task.reading, portion.rows_before, self.hashes)


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

    def look(self, files: Iterable[SourceFile]) -> list[SourceFile]:
        """Whole files in the pieces that they are seen to have when they are looked into."""
        options = self.writer.options
        look, open_file = TASKS[options.task].look, self.writer.open_source
        return [piece for file in files for piece in look(file, open_file, options)]

    def portions(self, looked_at: Iterable[SourceFile]) -> list[Portion]:
        """The portions of what files were seen to be, in their order."""
        options = self.writer.options
        sources = TASKS[options.task].cut(list(looked_at), self.writer.open_source, options)
        return portions_of(sources, self.portion_bytes)

    def task(self, portion: Portion) -> Task:
        """A portion of which nothing is remembered."""
        return Task(portion, FileSystems.join(self.readings, str(portion.number)))

    def read(self, task: Task) -> Read:
        """Read a portion if it is new, and write its Examples and its reading."""
        if task.written is not None:
            return Read(task, task.hashes, task.written)
        reading, written = self.writer.read(task.portion)
        reading.write(task.reading)
        return Read(task, reading.summary().hashes, written, tuple(reading.faults))

    def settle(self, hashed: Iterable[Hashed]) -> Settlement:
        """Settle what the records of all portions mean for one another."""
        by_number = {portion.number: portion for portion in sorted(hashed)}

        def members_of(number: int, ordinals: Sequence[int]) -> Iterator[Member]:
            entries = read_reading(by_number[number].reading).entries
            for ordinal in ordinals:
                entry = entries[ordinal].moved(by_number[number].rows_before)
                if self.writer.excluded(entry) is None:
                    yield Member(number, ordinal, entry)

        hashes = {number: portion.hashes for number, portion in by_number.items()}
        return settle(hashes, members_of, self.writer.options.on_leak)

    def finish(self, settled: tuple[Read, Mapping[int, Amendment]]) -> Tally:
        """Write what is left of a portion, and where its shards are; what became of its documents."""
        (task, _, written, faults), amendments = settled
        reading = read_reading(task.reading)
        reading.faults += faults
        tally, written = self.writer.finish(
            task.portion, reading, written, amendments, task.is_new, self.digests
        )
        if not faults:
            written.write(task.shards)
        return tally

    def report(self, tallies: Iterable[Tally]) -> None:
        """Write the reports."""
        whole = Tally()
        for tally in tallies:
            whole.merge(tally)
        write_report(whole, self.writer.report_dir)
