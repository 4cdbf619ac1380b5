"""The job of CorpusGen: a corpus to shards of record Examples, an index and reports.

    files --look, cut--> portions --read--> Examples, readings --hashes--> settle: who is a copy of whom
                                                |                             |
                                                +----------- finish <---------+--> index, drops, report

A portion's shards follow from the portion alone (`portions`, `shards`), so nothing with a text in it is ever shuffled,
and the files do not depend on the runner, its workers or their order. What a portion's records are for others
(`settlement`) is found by hashes, and changes few of them. A portion that an earlier job has read is not read again
(`memory`).

The same functions run in this process where there is little to read, in processes forked from it where Beam's direct
runner is asked for several, and as a Beam pipeline by every other runner. Corpus and outputs are places
(`base.places`), on this machine or in a store of objects: of these the launcher asks for names and sizes alone, and
workers read and write. The report is written last, so where it is, all is.
"""

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from itertools import chain
from operator import itemgetter
from pathlib import Path
from typing import NamedTuple

import apache_beam as beam
from apache_beam.io.filesystems import FileSystems

from preprocessing.base import progress
from preprocessing.base.file_digests import FileDigests
from preprocessing.base.job_cache import JobCache
from preprocessing.base.places import is_local, remove_folder
from preprocessing.base.stages import Gathered, Spread, Stage
from preprocessing.base.workers import local_processes, workers
from preprocessing.corpus import portions, shards
from preprocessing.corpus.memory import CorpusMemory, PortionKeys, recipe_of
from preprocessing.corpus.portions import Portion, portions_of
from preprocessing.corpus.reading import read_summary
from preprocessing.corpus.report import Tally
from preprocessing.corpus.settlement import Amendment
from preprocessing.corpus.shards import ShardWriter, Written
from preprocessing.corpus.steps import CorpusJob, Task
from preprocessing.options import CorpusOptions
from preprocessing.readers.listing import CorpusFiles
from preprocessing.readers.sources import Sources
from preprocessing.tasks.registry import list_files

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


class Seen(NamedTuple):
    """What a job has seen.

    files: what the corpus has, as it was listed. read: how many sources were read because they were not known as they
        are, None if all were.
    """

    files: Sources
    read: int | None


def write_corpus(
    pipeline: beam.Pipeline,
    root: str,
    options: CorpusOptions,
    seed: int,
    folders: CorpusFolders,
    cache: JobCache | None = None,
) -> Seen:
    """Turn the corpus at `root` into records, from what an earlier job has read and what has changed.

    Call `check_corpus(report_dir, options)` then: mistakes in the corpus do not make the job fail.

    Args:
        pipeline: not run yet; its options say how the job is done.
        root: the place of a folder or of a file; and so are the folders places.
        cache: with the memory, which is of files on this machine. None, or with a place elsewhere: the whole corpus is
            read, nothing is remembered.

    Raises InputError as `list_files` does.
    """
    corpus = CorpusFiles(root)
    files = list_files(corpus, options)
    writer = ShardWriter(corpus.folder, options, seed, *folders, shards.PART_BYTES)
    readings = FileSystems.join(folders.index_dir, _READINGS)
    job = CorpusJob(writer, readings, portions.PORTION_BYTES)
    if cache is not None and all(map(is_local, (root, *folders))):
        return Seen(files, _update(pipeline, job, files, cache))
    try:
        if local_processes(pipeline, 0) is None:
            with pipeline:
                _add_transforms(pipeline, job, _tasks(pipeline, job, files))
        else:
            _run_here(pipeline, job, list(map(job.task, job.portions(job.look(files)))))
    finally:
        remove_folder(job.readings)
    return Seen(files, None)


def _update(pipeline: beam.Pipeline, job: CorpusJob, files: Sources, cache: JobCache) -> int | None:
    """Do the job with the memory; returns how many sources were read, None if all were."""
    found = job.portions(job.look(files))
    options, memory = job.writer.options, CorpusMemory(cache.corpus)
    with closing(cache.open_digests()) as digests:
        recipe = recipe_of(options, job.writer.seed, job.writer.part_bytes)
        keys = PortionKeys(Path(job.writer.folder), recipe, options.excluded, digests, memory.seen)
        of_portion = keys.keys(found)
        tasks = [_task(memory, *each) for each in zip(found, of_portion, strict=True)]
        new = [task.portion for task in tasks if task.is_new]
        if local_processes(pipeline, 0) is None:
            with pipeline:
                created = pipeline | "Portions" >> beam.Create(tasks, reshuffle=False)
                _add_transforms(pipeline, job, created)
        else:
            _run_here(pipeline, job, tasks, digests)
        kept, seen = {}, {}
        for task, key in zip(tasks, of_portion, strict=True):
            if not os.path.exists(task.shards):
                continue
            written = Written.of(json.loads(Path(task.shards).read_bytes()))
            for file in written.files if task.is_new else ():
                digests.note(Path(file.path), file.sha256)
            # What has changed since its digest was taken may have been read as it is now.
            if not task.is_new or keys.is_unchanged(task.portion):
                kept[key] = written
                seen[keys.seen(task.portion)] = key
        memory.keep(kept, seen)
    return None if len(new) == len(tasks) else sum(len(portion.sources) for portion in new)


def _run_here(
    pipeline: beam.Pipeline,
    job: CorpusJob,
    tasks: Sequence[Task],
    digests: FileDigests | None = None,
) -> None:
    """Do the job on this machine: in this process where there is little to read, or in forked ones."""
    size = sum(task.portion.size for task in tasks if task.is_new)
    processes = local_processes(pipeline, size) or 1
    total = sum(len(task.portion.sources) for task in tasks)
    done = 0
    read = []
    with workers(processes) as run:
        for each in run(job.read, tasks):
            read.append(each)
            done += len(each.portion.sources)
            progress.report(phase="read", done=done, total=total, unit="sources")
        settlement = job.settle(each.hashed for each in read)
        amendments = settlement.amendments
        settled = [(each, amendments.get(each.portion.number, {})) for each in read]
        # Where shards are copied here, the digests of the files tell whether they are what they were.
        finish = replace(job, digests=digests).finish if processes == 1 else job.finish
        job.report([settlement.tally, *run(finish, settled)])


def _task(memory: CorpusMemory, portion: Portion, key: str) -> Task:
    """The portion with what is remembered of it, if that is whole."""
    path = memory.reading(key)
    try:
        if written := memory.written(key):
            summary = read_summary(path)
            if summary.is_of(portion):
                return Task(portion, path, written, summary.hashes, is_new=False)
    except OSError:
        pass
    task = Task(portion, path)
    # A job that was cut off may have left it: a fault in this one would be forgotten by the next.
    Path(task.shards).unlink(missing_ok=True)
    return task


def _tasks(pipeline: beam.Pipeline, job: CorpusJob, files: Sources) -> beam.PCollection:
    """The tasks of files that only workers look into."""

    def looked_at(group: Portion) -> Iterator[tuple[int, Sources]]:
        yield group.number, job.look(group.sources)

    def tasks(found: list[tuple[int, Sources]]) -> Iterator[Task]:
        in_order = (sources for _, sources in sorted(found, key=itemgetter(0)))
        return map(job.task, job.portions(Sources(chain.from_iterable(in_order))))

    return (
        pipeline
        # Whole files in groups of some MiB, as small elements cost more than what is done with them.
        | "Files" >> beam.Create(portions_of(files, job.portion_bytes), reshuffle=False)
        | "SpreadFiles" >> beam.Reshuffle()
        | "Look" >> beam.ParDo(Stage(looked_at, pipeline))
        | "LookedAt" >> Gathered()
        | "Cut" >> beam.ParDo(Stage(tasks, pipeline))
    )


def _add_transforms(pipeline: beam.Pipeline, job: CorpusJob, tasks: beam.PCollection) -> None:
    def finish(group: tuple[int, Mapping[str, Iterable]]) -> Iterator[Tally]:
        _, of_portion = group
        amendments: Mapping[int, Amendment] = next(iter(of_portion["amendments"]), {})
        yield job.finish((next(iter(of_portion["read"])), amendments))

    def report(tallies: Iterable[Tally]) -> Iterable[None]:
        job.report(tallies)
        return ()

    read = (
        tasks
        | "SpreadPortions" >> Spread(lambda task: task.portion.number)
        | "Read" >> beam.ParDo(Stage(lambda task: [job.read(task)], pipeline))
    )
    settlement = (
        read
        | "Hashes" >> beam.Map(lambda each: each.hashed)
        | "AllHashes" >> Gathered()
        | "Settle" >> beam.ParDo(Stage(lambda hashed: [job.settle(hashed)], pipeline))
    )
    by_number = {
        "read": read | "ByNumber" >> beam.Map(lambda each: (each.portion.number, each)),
        "amendments": settlement
        | "Amendments" >> beam.FlatMap(lambda settled: settled.amendments.items()),
    }
    tallies = (
        by_number
        | "OfPortion" >> beam.CoGroupByKey()
        | "Finish" >> beam.ParDo(Stage(finish, pipeline))
    )
    _ = (
        (tallies, settlement | "Copies" >> beam.Map(lambda settled: settled.tally))
        | "Tallies" >> beam.Flatten()
        | "AllTallies" >> Gathered()
        | "Report" >> beam.ParDo(Stage(report, pipeline))
    )
