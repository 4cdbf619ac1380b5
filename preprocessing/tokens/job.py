"""The Beam job of Tokenizer: shards of records to shards of token rows.

    Split-train/records-00000-of-00004.tfrecord --> Split-train/rows-00000-of-00004.tfrecord

A shard is packed by itself, so its rows depend on its records and the options alone, not on the
runner, its workers or the order in which they take the shards. So they can also be taken from a
store of earlier jobs (`shard_store`), which is much cheaper than to tokenise again.
"""

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path

import apache_beam as beam
from apache_beam.io.filesystems import FileSystems

from preprocessing.base import progress
from preprocessing.base.job_cache import JobCache
from preprocessing.base.places import files_matching, is_local, open_file, write_file, write_json
from preprocessing.base.stages import Gathered, Stage
from preprocessing.base.staging import make_cache_folder
from preprocessing.base.workers import local_processes, workers
from preprocessing.options import TokenOptions
from preprocessing.records.record import Record, example_to_record
from preprocessing.records.tfrecords import read_tfrecords, tfrecords_of
from preprocessing.tokens.record_rows import rows_of
from preprocessing.tokens.rows import row_to_example
from preprocessing.tokens.shard_store import ShardStore, shard_digest, shard_recipe
from preprocessing.tokens.statistics import (
    DROPPED_FILE,
    STATISTICS_FILE,
    TokenStatistics,
    merge,
)
from preprocessing.tokens.vocabulary import load_vocabulary

_SHARD_PATH = re.compile(r"Split-(?P<split>[^/\\]+)[/\\]records-(?P<number>[\w-]+)\.tfrecord$")


@dataclass(frozen=True, order=True)
class ShardTask:
    """One shard to tokenise.

    Attributes:
        split: the split's name.
        records: the place of its records: TFRecords of `record_to_example`.
        rows: the place where its rows go: TFRecords of `row_to_example`.
        size: bytes of its records' file.
        digest: under which the store is to keep its rows, empty for not at all.
    """

    split: str
    records: str
    rows: str
    size: int = field(compare=False)
    digest: str = field(default="", compare=False)


_Done = tuple[ShardTask, TokenStatistics]


def list_shards(examples_uri: str, rows_uri: str) -> list[ShardTask]:
    """The shards `Split-<split>/records-<i>-of-<n>.tfrecord` under `examples_uri`, in order.

    Their rows go to `rows_uri/Split-<split>/rows-<i>-of-<n>.tfrecord`.
    """
    tasks = []
    for file in files_matching(examples_uri, "Split-*", "records-*.tfrecord"):
        if found := _SHARD_PATH.search(file.path):
            folder = FileSystems.join(rows_uri, f"Split-{found['split']}")
            rows = FileSystems.join(folder, f"rows-{found['number']}.tfrecord")
            tasks.append(ShardTask(found["split"], file.path, rows, file.size_in_bytes))
    return sorted(tasks)


def write_token_rows(
    pipeline: beam.Pipeline,
    shards: Sequence[ShardTask],
    options: TokenOptions,
    statistics_dir: str,
    cache: JobCache | None = None,
) -> int:
    """Write the rows of `shards`, those that are stored as copies.

    Written are each shard's rows file, even if it holds no row, `statistics_dir/dropped_records.jsonl`, and
    `statistics_dir/token_statistics.json`: `sequence_length`, `vocabulary` with its `size` and
    `digest`, `over_long`, `packing`, and by split the counts of `TokenStatistics.report`.

    Args:
        pipeline: not run yet; its options say in how many processes of this machine shards are tokenised, or that the
            pipeline is to be run.
        options: those that the task has made of them, see `Task.token_options`.
        cache: whose store's shards are copied; the others are tokenised and put into it; what is
            written is the same. None, or with shards that are not on this machine: everything is tokenised.

    Returns:
        How many shards came from the store.
    """
    if not all(is_local(task.records) and is_local(task.rows) for task in shards):
        cache = None
    store, done, waiting = _fetch(shards, options, cache)
    job = _Tokenize(options, store)
    processes = local_processes(pipeline, sum(task.size for task in waiting))
    if waiting and processes is None:
        with pipeline:
            _add_transforms(pipeline, job, done, waiting, statistics_dir)
        return len(done)
    made: list[_Done] = []
    with workers(processes or 1) as run:
        for each in run(job.tokenize, waiting):
            made.append(each)
            _report_progress(len(done) + len(made), len(shards))
    job.write_statistics([*made, *done], statistics_dir)
    return len(done)


def _add_transforms(
    pipeline: beam.Pipeline,
    job: "_Tokenize",
    done: list[_Done],
    waiting: list[ShardTask],
    statistics_dir: str,
) -> None:
    def write_statistics(made: Iterable[_Done]) -> Iterable[None]:
        job.write_statistics([*made, *done], statistics_dir)
        return ()

    _ = (
        pipeline
        | "Shards" >> beam.Create(waiting, reshuffle=False)
        | "SpreadShards" >> beam.Reshuffle()
        | "Tokenize" >> beam.ParDo(Stage(lambda each: [job.tokenize(each)], pipeline))
        | "AllStatistics" >> Gathered()
        | "WriteStatistics" >> beam.ParDo(Stage(write_statistics, pipeline))
    )


def _fetch(
    shards: Sequence[ShardTask], options: TokenOptions, cache: JobCache | None
) -> tuple[ShardStore | None, list[_Done], list[ShardTask]]:
    """Copy the rows that are stored; returns the store, if there is one, these shards, and the others."""
    if cache is None:
        return None, [], list(shards)
    vocabulary = load_vocabulary(options.vocabulary)
    recipe = shard_recipe(options, vocabulary.digest, __name__)
    done: list[_Done] = []
    waiting = []
    store = ShardStore(make_cache_folder(cache.shards))
    with closing(cache.open_digests()) as digests:
        for task in shards:
            digest = shard_digest(recipe, digests.file(Path(task.records)))
            stored = store.fetch(digest, Path(task.rows), digests)
            if stored is None:
                waiting.append(replace(task, digest=digest))
            else:
                done.append((task, stored))
                _report_progress(len(done), len(shards))
    return store, done, waiting


def tokenize_shard(task: ShardTask, options: TokenOptions) -> TokenStatistics:
    """Write the rows of one shard. Raises ValueError where the records are damaged."""
    statistics = TokenStatistics()
    rows = rows_of(
        _read_records(task.records),
        load_vocabulary(options.vocabulary),
        options,
        statistics,
    )
    write_file(task.rows, tfrecords_of(map(row_to_example, rows)))
    return statistics


@dataclass(frozen=True)
class _Tokenize:
    """What is done with shards, in whatever process."""

    options: TokenOptions
    store: ShardStore | None

    def tokenize(self, task: ShardTask) -> _Done:
        """Write the rows of one shard, and keep a copy of them."""
        statistics = tokenize_shard(task, self.options)
        if self.store is not None:
            self.store.keep(task.digest, Path(task.rows), statistics)
        return task, statistics

    def write_statistics(self, shards: Iterable[_Done], statistics_dir: str) -> None:
        """Write the statistics of all shards."""
        by_split: dict[str, list[TokenStatistics]] = defaultdict(list)
        for task, statistics in sorted(shards, key=lambda shard: shard[0]):
            by_split[task.split].append(statistics)
        merged = {split: merge(parts) for split, parts in by_split.items()}
        lines = (
            json.dumps({"split": split, "id": dropped}, ensure_ascii=False) + "\n"
            for split, statistics in merged.items()
            for dropped in statistics.dropped_ids
        )
        place = FileSystems.join(statistics_dir, DROPPED_FILE)
        write_file(place, "".join(lines).encode())
        vocabulary = load_vocabulary(self.options.vocabulary)
        report = {
            "sequence_length": self.options.sequence_length,
            "packing": self.options.packing,
            "over_long": self.options.over_long,
            "vocabulary": {
                "name": vocabulary.name,
                "size": vocabulary.size,
                "digest": vocabulary.digest,
            },
            "splits": {
                split: statistics.report(self.options.sequence_length)
                for split, statistics in merged.items()
            },
        }
        write_json(FileSystems.join(statistics_dir, STATISTICS_FILE), report)


def _read_records(path: str) -> Iterator[Record]:
    try:
        with open_file(path) as file:
            yield from map(example_to_record, read_tfrecords(file))
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def _report_progress(done: int, total: int) -> None:
    progress.report(phase="tokenise", done=done, total=total, unit="shards")
