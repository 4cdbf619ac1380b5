"""The job of CorpusGen: a corpus to shards of record Examples, an index and reports.

    portions --read--> Examples, readings --hashes--> settle: who is a copy of whom
                            |                            |
                            +-------- finish <-----------+--> index, drops, report

A portion's shards follow from the portion alone (`portions`, `shards`), so nothing with a text in it is ever shuffled,
and the files do not depend on the runner, its workers or their order. What a portion's records are for others
(`settlement`) is found by hashes, and changes few of them. A portion that an earlier job has read is not read again
(`memory`).

The same functions run in this process where there is little to read, in processes forked from it where Beam's direct
runner is asked for several, and as a Beam pipeline by every other runner.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from functools import partial
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
from preprocessing.base.workers import local_processes, workers
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

# Fewer bytes than this are read in this process.
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


class Read(NamedTuple):
    """What finishing a portion needs beside its Task. hashes: see `Summary`. faults: as in `Reading`."""

    hashes: bytes
    written: Written
    faults: tuple[Fault, ...] = ()


@dataclass(frozen=True)
class CorpusJob:
    """What is done with a portion, in whatever process. digests: what is known of files, where they are at hand."""

    writer: ShardWriter
    digests: FileDigests | None = None

    def read(self, task: Task) -> Read:
        """Read a portion if it is new, and write its Examples and its reading."""
        if task.written is not None:
            return Read(task.hashes, task.written)
        reading, written = self.writer.read(task.portion)
        reading.write(task.reading)
        return Read(reading.summary().hashes, written, tuple(reading.faults))

    def settle(self, read: Iterable[tuple[Task, Read]]) -> Settlement:
        """Settle what the records of all portions mean for one another."""
        in_order = sorted(read, key=lambda each: each[0].portion.number)

        def members_of(number: int, ordinals: Sequence[int]) -> Iterator[Member]:
            task, _ = in_order[number]
            entries = read_reading(task.reading).entries
            for ordinal in ordinals:
                entry = entries[ordinal].moved(task.portion.rows_before)
                if self.writer.excluded(entry) is None:
                    yield Member(number, ordinal, entry)

        hashes = {task.portion.number: each.hashes for task, each in in_order}
        return settle(hashes, members_of, self.writer.options.on_leak)

    def finish(self, read: tuple[Task, Read], settlement: Settlement) -> Tally:
        """Write what is left of a portion, and where its shards are; what became of its documents."""
        task, (_, written, faults) = read
        reading = read_reading(task.reading)
        reading.faults += faults
        amendments = settlement.amendments.get(task.portion.number, {})
        tally, written = self.writer.finish(
            task.portion, reading, written, amendments, task.is_new, self.digests
        )
        if not faults:
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
    cache: JobCache | None = None,
) -> int | None:
    """Turn `sources` of the corpus at `root` into records, from what an earlier job has read and what has changed.

    Call `check_corpus(report_dir, options)` then: mistakes in the corpus do not make the job fail.

    Args:
        pipeline: not run yet; its options say how the job is done (see `_run`).
        cache: with the memory. None: the whole corpus is read, nothing is remembered.

    Returns:
        How many sources were read because they were not known as they are; None if all were.
    """
    portions = portions_of(sources)
    job = _job(root, options, seed, folders)
    if cache is None:
        with _readings(folders) as readings:
            _run(pipeline, job, [_task_in(readings, portion) for portion in portions])
        return None
    memory = CorpusMemory(cache.corpus)
    with closing(cache.open_digests()) as digests:
        recipe = recipe_of(options, seed, job.writer.part_bytes)
        keys = PortionKeys(corpus_folder(Path(root)), recipe, options.excluded, digests)
        states = [keys.states(portion) for portion in portions]
        of_portion = [keys.key(*each) for each in zip(portions, states, strict=True)]
        tasks = [_task(memory, *each) for each in zip(portions, of_portion, strict=True)]
        new = [task.portion for task in tasks if task.is_new]
        _run(pipeline, job, tasks, digests)
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


def _run(
    pipeline: beam.Pipeline,
    job: CorpusJob,
    tasks: Sequence[Task],
    digests: FileDigests | None = None,
) -> None:
    """Do the job as the pipeline's options say, in this process where there is little to read."""
    processes = local_processes(pipeline)
    if processes is None:
        with pipeline:
            _add_transforms(pipeline, job, tasks)
        return
    if sum(task.portion.size for task in tasks if task.is_new) <= _SMALL_BYTES:
        processes = 1
    total = sum(len(task.portion.sources) for task in tasks)
    done = 0
    read = []
    with workers(processes) as run:
        for task, each in zip(tasks, run(job.read, tasks), strict=True):
            read.append((task, each))
            done += len(task.portion.sources)
            progress.report(phase="read", done=done, total=total, unit="files")
        settlement = job.settle(read)
        job.report(
            # Where shards are copied here, the digests of the files tell whether they are what they were.
            map(partial(replace(job, digests=digests).finish, settlement=settlement), read)
            if processes == 1
            else run(partial(job.finish, settlement=settlement), read),
            settlement,
        )


def _job(root: str, options: CorpusOptions, seed: int, folders: CorpusFolders) -> CorpusJob:
    folder = str(corpus_folder(Path(root)))
    return CorpusJob(ShardWriter(folder, options, seed, *folders, shards.PART_BYTES))


@contextmanager
def _readings(folders: CorpusFolders) -> Iterator[str]:
    """A folder for the readings of one job, which goes when the job ends."""
    path = FileSystems.join(folders.index_dir, _READINGS)
    try:
        yield path
    finally:
        remove_folder(path)


def _task_in(readings: str, portion: Portion) -> Task:
    return Task(portion, FileSystems.join(readings, str(portion.number)))


def _task(memory: CorpusMemory, portion: Portion, key: str) -> Task:
    """The portion with what is remembered of it, if that is whole."""
    path = memory.reading(key)
    try:
        if written := memory.written(key):
            summary = read_summary(path)
            if summary.is_of(portion):
                return Task(portion, path, written, summary.hashes)
    except (OSError, BeamIOError, DamagedError):
        pass
    return Task(portion, path)


def _add_transforms(pipeline: beam.Pipeline, job: CorpusJob, tasks: Sequence[Task]) -> None:
    read = (
        pipeline
        | "Portions" >> beam.Create(tasks, reshuffle=False)
        | "SpreadPortions" >> beam.Reshuffle()
        | "Read" >> beam.Map(lambda task: (task, job.read(task)))
        | "SpreadRead" >> beam.Reshuffle()
    )
    settlement = read | "AllRead" >> beam.combiners.ToList() | "Settle" >> beam.Map(job.settle)
    of_all = beam.pvalue.AsSingleton(settlement)
    _ = (
        read
        | "Finish" >> beam.Map(job.finish, of_all)
        | "AllTallies" >> beam.combiners.ToList()
        | "Report" >> beam.Map(job.report, of_all)
    )
