"""The job of CorpusGen: a corpus to shards of record Examples, an index and reports.

    portions --read--> Examples, readings --hashes--> settle: who is a copy of whom
                            |                            |
                            +-------- finish <-----------+--> index, drops, report

A portion's shards follow from the portion alone (`portions`, `shards`), so nothing with a text in it is ever shuffled,
and the files do not depend on the runner, its workers or their order. What a portion's records are for others
(`settlement`) is found by hashes, and changes few of them. A portion that an earlier job has read is not read again
(`memory`).

The same functions run here, one after the other, where there is little to read, and as a Beam pipeline where there is
much.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import apache_beam as beam
from apache_beam.io.filesystem import BeamIOError
from apache_beam.io.filesystems import FileSystems

from preprocessing.base import progress
from preprocessing.base.atomic_files import remove_folder
from preprocessing.base.file_digests import FileDigests
from preprocessing.base.job_cache import JobCache
from preprocessing.base.verified_files import DamagedError
from preprocessing.corpus import shards
from preprocessing.corpus.memory import CorpusMemory, PortionKeys, recipe_of
from preprocessing.corpus.portions import Portion, portions_of
from preprocessing.corpus.reading import read_reading, read_summary
from preprocessing.corpus.report import Tally, write_report
from preprocessing.corpus.settlement import Member, Settlement, settle
from preprocessing.corpus.shards import ShardWriter, Written
from preprocessing.options import CorpusOptions
from preprocessing.records.record import Fault
from preprocessing.tasks.sources import SourceFile, corpus_folder

# Fewer bytes than this are read at once, faster than Beam starts a worker.
_SMALL_BYTES = 16 * 1024 * 1024
_READINGS = ".readings"


class CorpusFolders(NamedTuple):
    """Where a corpus goes.

    examples_dir: `Split-<split>/records-<portion>-<part>.tfrecord`, see `record_to_example`.
    index_dir: `Split-<split>/records-<portion>-<part>.jsonl`, a line a record: id, source, position, digest, split,
        shard, and the document's digest, see `copies`.
    report_dir: `drops/records-<portion>.jsonl`, every drop (id, source, reason, detail), and the reports of `report`.
    """

    examples_dir: str
    index_dir: str
    report_dir: str


@dataclass(frozen=True)
class Task:
    """A portion and what is known of it.

    reading: the path of its reading, which is there if `written` is.
    written: where an earlier job has put its shards; None if it must be read.
    """

    portion: Portion
    reading: str
    written: Written | None = None

    @property
    def is_new(self) -> bool:
        """Whether it is to be read."""
        return self.written is None

    @property
    def shards(self) -> str:
        """The path of the file that says where its shards are when the job is done; none if it has faults."""
        return f"{self.reading}.shards"


class Read(NamedTuple):
    """A portion whose reading is written. hashes: see `Summary`. faults: as in `Reading`."""

    task: Task
    hashes: bytes
    written: Written
    faults: tuple[Fault, ...] = ()


@dataclass
class CorpusJob:
    """What is done with a portion, in whatever process. digests: what is known of files, where they are at hand."""

    writer: ShardWriter
    sources: int
    digests: FileDigests | None = None
    _sources_read: int = 0

    def read(self, task: Task) -> Read:
        """Read a portion if it is new, and write its Examples and its reading."""
        self._sources_read += len(task.portion.sources)
        progress.report(phase="read", done=self._sources_read, total=self.sources, unit="files")
        if task.written is not None:
            return Read(task, read_summary(task.reading).hashes, task.written)
        reading, written = self.writer.read(task.portion)
        reading.write(task.reading)
        return Read(task, reading.summary().hashes, written, tuple(reading.faults))

    def settle(self, read: Sequence[Read]) -> Settlement:
        """Settle what the records of all portions mean for one another."""
        by_number = {each.task.portion.number: each for each in read}

        def members_of(number: int, ordinals: Sequence[int]) -> Iterator[Member]:
            task = by_number[number].task
            entries = read_reading(task.reading).entries
            for ordinal in ordinals:
                entry = entries[ordinal].moved(task.portion.rows_before)
                if self.writer.excluded(entry) is None:
                    yield Member(number, ordinal, entry)

        hashes = {number: by_number[number].hashes for number in sorted(by_number)}
        return settle(hashes, members_of, self.writer.options.on_leak)

    def finish(self, read: Read, settlement: Settlement) -> Tally:
        """Write what is left of a portion, and where its shards are; what became of its documents."""
        task = read.task
        reading = read_reading(task.reading)
        reading.faults += read.faults
        tally, written = self.writer.finish(
            task.portion,
            reading,
            read.written,
            settlement.amendments.get(task.portion.number, {}),
            task.is_new,
            self.digests,
        )
        if not read.faults:
            written.write(task.shards)
        return tally

    def report(self, tallies: Iterable[Tally], settlement: Settlement) -> None:
        """Write the reports."""
        whole = Tally()
        for tally in (settlement.tally, *tallies):
            whole.merge(tally)
        write_report(whole, self.writer.report_dir)


def write_corpus(
    pipeline: beam.Pipeline,
    root: str,
    sources: Sequence[SourceFile],
    options: CorpusOptions,
    seed: int,
    folders: CorpusFolders,
) -> None:
    """Run `pipeline`, which turns `sources` of the corpus at `root` into records.

    Call `check_corpus(report_dir, options)` then: mistakes in the corpus do not make the pipeline fail.
    """
    readings = FileSystems.join(folders.index_dir, _READINGS)
    tasks = [
        Task(portion, FileSystems.join(readings, str(portion.number)))
        for portion in portions_of(sources)
    ]
    try:
        with pipeline:
            _add_transforms(pipeline, _job(root, options, seed, folders, len(sources)), tasks)
    finally:
        remove_folder(readings)


def update_corpus(
    pipeline: beam.Pipeline,
    root: str,
    sources: Sequence[SourceFile],
    options: CorpusOptions,
    seed: int,
    folders: CorpusFolders,
    cache: JobCache | None,
) -> int | None:
    """Write what `write_corpus` does, from what an earlier job has read and what has changed.

    Args:
        pipeline: not run yet; it is run if there is much to read.
        cache: with the memory. None: the whole corpus is read, nothing is remembered.

    Returns:
        How many sources were read because they were not known as they are; None if all were.
    """
    if cache is None:
        write_corpus(pipeline, root, sources, options, seed, folders)
        return None
    job = _job(root, options, seed, folders, len(sources))
    portions = portions_of(sources)
    memory = CorpusMemory(cache.corpus)
    with closing(cache.open_digests()) as digests:
        recipe = recipe_of(options, seed, job.writer.part_bytes)
        keys = PortionKeys(corpus_folder(Path(root)), recipe, options.excluded, digests)
        states = [keys.states(portion) for portion in portions]
        of_portion = [keys.key(*each) for each in zip(portions, states, strict=True)]
        tasks = [_task(memory, *each) for each in zip(portions, of_portion, strict=True)]
        new = [task.portion for task in tasks if task.is_new]
        if sum(portion.size for portion in new) <= _SMALL_BYTES:
            job.digests = digests
            read = [job.read(task) for task in tasks]
            settlement = job.settle(read)
            job.report([job.finish(each, settlement) for each in read], settlement)
        else:
            with pipeline:
                _add_transforms(pipeline, job, tasks)
        kept = {}
        for task, key, before in zip(tasks, of_portion, states, strict=True):
            written = Written.read(task.shards)
            if written is None:
                continue
            for file in written.files if task.is_new else ():
                digests.note(Path(file.path), file.sha256)
            # What has changed since its digest was taken may have been read as it is now.
            if not task.is_new or (all(before) and keys.states(task.portion, again=True) == before):
                kept[key] = written
        memory.keep(kept)
    return None if len(new) == len(tasks) else sum(len(portion.sources) for portion in new)


def _job(
    root: str, options: CorpusOptions, seed: int, folders: CorpusFolders, sources: int
) -> CorpusJob:
    folder = str(corpus_folder(Path(root)))
    return CorpusJob(ShardWriter(folder, options, seed, *folders, shards.PART_BYTES), sources)


def _task(memory: CorpusMemory, portion: Portion, key: str) -> Task:
    """The portion with what is remembered of it, if that is whole."""
    path = memory.reading(key)
    try:
        if (written := memory.written(key)) and read_summary(path).is_of(portion):
            return Task(portion, path, written)
    except (OSError, BeamIOError, DamagedError):
        pass
    return Task(portion, path)


def _add_transforms(pipeline: beam.Pipeline, job: CorpusJob, tasks: Sequence[Task]) -> None:
    read = (
        pipeline
        | "Portions" >> beam.Create(tasks, reshuffle=False)
        | "SpreadPortions" >> beam.Reshuffle()
        | "Read" >> beam.Map(job.read)
        | "SpreadRead" >> beam.Reshuffle()
    )
    settlement = read | "AllRead" >> beam.combiners.ToList() | "Settle" >> beam.Map(job.settle)
    tallies = read | "Finish" >> beam.Map(job.finish, beam.pvalue.AsSingleton(settlement))
    _ = (
        tallies
        | "AllTallies" >> beam.combiners.ToList()
        | "Report" >> beam.Map(job.report, beam.pvalue.AsSingleton(settlement))
    )
