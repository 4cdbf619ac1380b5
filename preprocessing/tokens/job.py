"""The Beam job of Tokenizer: shards of records to shards of token rows.

    Split-train/records-00000-of-00004.tfrecord --> Split-train/rows-00000-of-00004.tfrecord

A shard is packed by itself, so its rows depend on its records and the options alone, not on the
runner, its workers or the order in which they take the shards. So they can also be taken from a
store of earlier jobs (`shard_store`), which is much cheaper than to tokenise again.
"""

import os
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass

import apache_beam as beam
from apache_beam.io.filesystems import FileSystems

from preprocessing.base import progress
from preprocessing.base.atomic_files import write_atomically, write_json_atomically
from preprocessing.base.cache_folder import make_cache_folder
from preprocessing.base.job_cache import JobCache
from preprocessing.base.matching import files_matching
from preprocessing.base.verified_files import file_digest
from preprocessing.base.workers import local_processes, workers
from preprocessing.options import OverLong, TokenOptions
from preprocessing.records.record import Record, example_to_record
from preprocessing.records.tfrecords import read_tfrecords, write_tfrecords
from preprocessing.tokens.record_rows import rows_of
from preprocessing.tokens.rows import row_to_example
from preprocessing.tokens.shard_digest import recipe_digest, shard_digest
from preprocessing.tokens.shard_store import ShardStore
from preprocessing.tokens.statistics import STATISTICS_FILE, TokenStatistics, merge
from preprocessing.tokens.vocabulary import load_vocabulary

_SHARD_PATH = re.compile(r"Split-(?P<split>[^/\\]+)[/\\]records-(?P<number>[\w-]+)\.tfrecord$")

# Fewer bytes of records than this are tokenised in this process.
_SMALL_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True, order=True)
class ShardTask:
    """One shard to tokenise.

    Attributes:
        split: the split's name.
        records: where its records are: TFRecords of `record_to_example`.
        rows: where its rows go: TFRecords of `row_to_example`.
    """

    split: str
    records: str
    rows: str


_Done = tuple[ShardTask, TokenStatistics]


@dataclass(frozen=True)
class _Waiting:
    """A shard to tokenise. digest: under which the store is to keep its rows, None for not at all."""

    task: ShardTask
    digest: str | None


def list_shards(examples_uri: str, rows_uri: str) -> list[ShardTask]:
    """The shards `Split-<split>/records-<i>-of-<n>.tfrecord` under `examples_uri`, in order.

    Their rows go to `rows_uri/Split-<split>/rows-<i>-of-<n>.tfrecord`.
    """
    tasks = []
    for path in files_matching(examples_uri, "Split-*", "records-*.tfrecord"):
        if found := _SHARD_PATH.search(path):
            folder = FileSystems.join(rows_uri, f"Split-{found['split']}")
            rows = FileSystems.join(folder, f"rows-{found['number']}.tfrecord")
            tasks.append(ShardTask(found["split"], path, rows))
    return sorted(tasks)


def write_token_rows(
    pipeline: beam.Pipeline,
    shards: Sequence[ShardTask],
    options: TokenOptions,
    over_long: OverLong,
    statistics_dir: str,
    cache: JobCache | None = None,
) -> int:
    """Write the rows of `shards`, those that are stored as copies.

    Written are each shard's rows file, even if it holds no row, and
    `statistics_dir/token_statistics.json`: `sequence_length`, `vocabulary` with its `size` and
    `digest`, `over_long`, `packing`, and by split the counts of `TokenStatistics.report`.

    Args:
        pipeline: not run yet; its options say in how many processes of this machine shards are tokenised, or that the
            pipeline is to be run.
        over_long: what `options.over_long` comes to for the task (see `fit`).
        cache: whose store's shards are copied; the others are tokenised and put into it; what is
            written is the same. None: everything is tokenised.

    Returns:
        How many shards came from the store.
    """
    store, done, waiting = _fetch(shards, options, over_long, cache)
    processes = local_processes(pipeline)
    if processes is None:
        with pipeline:
            _add_transforms(pipeline, done, waiting, options, over_long, statistics_dir, store)
    else:
        if sum(os.path.getsize(each.task.records) for each in waiting) <= _SMALL_BYTES:
            processes = 1
        made: list[_Done] = []
        tokenize = _TokenizeShard(options, over_long, store)
        with workers(processes) as run:
            for each in run(tokenize.tokenize, waiting):
                made.append(each)
                _report_progress(len(done) + len(made), len(shards))
        _write_statistics(made, done, options, over_long, statistics_dir)
    return len(done)


def _add_transforms(
    pipeline: beam.Pipeline,
    done: list[_Done],
    waiting: list[_Waiting],
    options: TokenOptions,
    over_long: OverLong,
    statistics_dir: str,
    store: ShardStore | None,
) -> None:
    _ = (
        pipeline
        | "Shards" >> beam.Create(waiting)
        | "SpreadShards" >> beam.Reshuffle()
        | "Tokenize" >> beam.ParDo(_TokenizeShard(options, over_long, store))
        | "AllStatistics" >> beam.combiners.ToList()
        | "WriteStatistics" >> beam.Map(_write_statistics, done, options, over_long, statistics_dir)
    )


def _fetch(
    shards: Sequence[ShardTask],
    options: TokenOptions,
    over_long: OverLong,
    cache: JobCache | None,
) -> tuple[ShardStore | None, list[_Done], list[_Waiting]]:
    """Copy the rows that are stored; returns the store, these shards, and the others with their digests."""
    if cache is None:
        return None, [], [_Waiting(task, None) for task in shards]
    vocabulary = load_vocabulary(options.vocabulary)
    recipe = recipe_digest(options, over_long, vocabulary.digest, __name__)
    done: list[_Done] = []
    waiting = []
    store = ShardStore(str(make_cache_folder(cache.shards)))
    with closing(cache.open_digests()) as digests:
        for task in shards:
            digest = shard_digest(recipe, file_digest(task.records, digests))
            stored = store.fetch(digest, task.rows, digests)
            if stored is None:
                waiting.append(_Waiting(task, digest))
            else:
                done.append((task, stored))
                _report_progress(len(done), len(shards))
    return store, done, waiting


def tokenize_shard(task: ShardTask, options: TokenOptions, over_long: OverLong) -> TokenStatistics:
    """Write the rows of one shard. Raises ValueError where the records are damaged."""
    statistics = TokenStatistics()
    rows = rows_of(
        _read_records(task.records),
        load_vocabulary(options.vocabulary),
        options,
        over_long,
        statistics,
    )
    write_atomically(task.rows, lambda file: write_tfrecords(file, map(row_to_example, rows)))
    return statistics


class _TokenizeShard(beam.DoFn):
    """A waiting shard to its task and its TokenStatistics."""

    def __init__(
        self, options: TokenOptions, over_long: OverLong, store: ShardStore | None
    ) -> None:
        self._options = options
        self._over_long = over_long
        self._store = store

    def process(self, waiting: _Waiting) -> Iterator[_Done]:
        """What `tokenize` gives."""
        yield self.tokenize(waiting)

    def tokenize(self, waiting: _Waiting) -> _Done:
        """Write the rows of one shard, and keep a copy of them."""
        task = waiting.task
        statistics = tokenize_shard(task, self._options, self._over_long)
        if self._store is not None and waiting.digest is not None:
            self._store.keep(waiting.digest, task.rows, statistics)
        return task, statistics


def _read_records(path: str) -> Iterator[Record]:
    try:
        with FileSystems.open(path) as file:
            yield from map(example_to_record, read_tfrecords(file))
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def _report_progress(done: int, total: int) -> None:
    progress.report(phase="tokenise", done=done, total=total, unit="shards")


def _write_statistics(
    tokenized: list[_Done],
    fetched: list[_Done],
    options: TokenOptions,
    over_long: OverLong,
    statistics_dir: str,
) -> None:
    by_split: dict[str, list[TokenStatistics]] = defaultdict(list)
    for task, statistics in sorted(tokenized + fetched, key=lambda shard: shard[0]):
        by_split[task.split].append(statistics)
    vocabulary = load_vocabulary(options.vocabulary)
    report = {
        "sequence_length": options.sequence_length,
        "packing": options.packing,
        "over_long": over_long,
        "vocabulary": {
            "name": vocabulary.name,
            "size": vocabulary.size,
            "digest": vocabulary.digest,
        },
        "splits": {
            split: merge(parts).report(options.sequence_length) for split, parts in by_split.items()
        },
    }
    write_json_atomically(FileSystems.join(statistics_dir, STATISTICS_FILE), report)
