"""The Beam job of Tokenizer: shards of records to shards of token rows.

    Split-train/records-00000-of-00004.tfrecord --> Split-train/rows-00000-of-00004.tfrecord

A shard is packed by itself, so its rows depend on its records and the options alone, not on the
runner, its workers or the order in which they take the shards. So they can also be taken from a
store of earlier jobs (`shard_store`), which is much cheaper than to tokenise again.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import apache_beam as beam
from apache_beam.io.filesystems import FileSystems
from apache_beam.metrics import Metrics, MetricsFilter
from apache_beam.runners.runner import PipelineResult

from preprocessing import progress
from preprocessing.atomic_files import write_atomically, write_json_atomically
from preprocessing.options import OverLong, TokenOptions
from preprocessing.packing import pack
from preprocessing.records import Drop, Record, example_to_record
from preprocessing.rows import row_to_example
from preprocessing.shard_digest import recipe_digest, shard_digest
from preprocessing.shard_store import ShardStore, file_digest
from preprocessing.tfrecords import read_tfrecords, write_tfrecords
from preprocessing.token_sequences import TokenSequence, fit, tokenize_record
from preprocessing.token_statistics import STATISTICS_FILE, TokenStatistics, merge
from preprocessing.vocabulary import load_vocabulary

_SHARD_PATH = re.compile(r"Split-(?P<split>[^/\\]+)[/\\]records-(?P<number>\d+-of-\d+)\.tfrecord$")
_RECORDS_BETWEEN_REPORTS = 256
_REUSED = Metrics.counter(__name__, "reused_shards")


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


def list_shards(examples_uri: str, rows_uri: str) -> list[ShardTask]:
    """The shards `Split-<split>/records-<i>-of-<n>.tfrecord` under `examples_uri`, in order.

    Their rows go to `rows_uri/Split-<split>/rows-<i>-of-<n>.tfrecord`.
    """
    pattern = FileSystems.join(examples_uri, "Split-*", "records-*.tfrecord")
    (match,) = FileSystems.match([pattern])
    tasks = []
    for metadata in match.metadata_list:
        if found := _SHARD_PATH.search(metadata.path):
            folder = FileSystems.join(rows_uri, f"Split-{found['split']}")
            rows = FileSystems.join(folder, f"rows-{found['number']}.tfrecord")
            tasks.append(ShardTask(found["split"], metadata.path, rows))
    return sorted(tasks)


def write_token_rows(
    pipeline: beam.Pipeline,
    shards: Sequence[ShardTask],
    options: TokenOptions,
    over_long: OverLong,
    statistics_dir: str,
    store: str | None = None,
) -> None:
    """Add to `pipeline` the transforms that write the rows of `shards`.

    Written are each shard's rows file, even if it holds no row, and
    `statistics_dir/token_statistics.json`: `sequence_length`, `vocabulary` with its `size` and
    `digest`, `over_long`, `packing`, and by split the counts of `TokenStatistics.report`.

    Args:
        over_long: what `options.over_long` comes to for the task (see `fit`).
        store: folder of a ShardStore. Shards that are in it are copied, the others are tokenised
            and put into it; what is written is the same. None: everything is tokenised.
    """
    tokenize = _TokenizeShard(options, over_long)
    if store is not None:
        vocabulary = load_vocabulary(options.vocabulary)
        recipe = recipe_digest(options, over_long, vocabulary.digest, __name__)
        tokenize = _FetchOrTokenizeShard(options, over_long, ShardStore(store), recipe)
    _ = (
        pipeline
        | "Shards" >> beam.Create(list(shards))
        | "SpreadShards" >> beam.Reshuffle()
        | "Tokenize" >> beam.ParDo(tokenize)
        | "AllStatistics" >> beam.combiners.ToList()
        | "WriteStatistics" >> beam.Map(_write_statistics, options, over_long, statistics_dir)
    )


def reused_shards(result: PipelineResult) -> int | None:
    """How many shards a job took from its store; None if its runner does not count."""
    try:
        counters = result.metrics().query(MetricsFilter().with_metric(_REUSED))["counters"]
    except NotImplementedError:
        return None
    return sum(counter.result for counter in counters)


def tokenize_shard(
    task: ShardTask, options: TokenOptions, over_long: OverLong, done: int = 0
) -> TokenStatistics:
    """Write the rows of one shard.

    Args:
        done: how many records of other shards are done, for the reports of progress.

    Raises:
        ValueError: the records are damaged.
    """
    vocabulary = load_vocabulary(options.vocabulary)
    statistics = TokenStatistics()
    sequences: list[TokenSequence] = []
    for record in _read_records(task.records):
        statistics.records += 1
        fitted = fit(tokenize_record(record, vocabulary), options.sequence_length, over_long)
        if isinstance(fitted, Drop):
            statistics.add_drop(fitted)
        else:
            statistics.truncated += fitted.left_out > 0
            statistics.tokens_left_out += fitted.left_out
            sequences.extend(fitted.sequences)
        if statistics.records % _RECORDS_BETWEEN_REPORTS == 0:
            _report_progress(done + statistics.records)
    _report_progress(done + statistics.records)
    statistics.sequences = len(sequences)
    statistics.tokens = sum(len(sequence.ids) for sequence in sequences)
    statistics.loss_tokens = sum(int(sequence.loss.sum()) for sequence in sequences)

    def examples() -> Iterator[bytes]:
        for row in pack(
            sequences, options.sequence_length, vocabulary.end_of_text, options.packing
        ):
            statistics.rows += 1
            yield row_to_example(row)

    write_atomically(task.rows, lambda file: write_tfrecords(file, examples()))
    return statistics


class _TokenizeShard(beam.DoFn):
    """A ShardTask to itself and its TokenStatistics."""

    def __init__(self, options: TokenOptions, over_long: OverLong) -> None:
        self._options = options
        self._over_long = over_long
        self._done = 0

    def process(self, task: ShardTask) -> Iterator[tuple[ShardTask, TokenStatistics]]:
        """Write the rows of one shard."""
        statistics = self._write_rows(task)
        self._done += statistics.records
        yield task, statistics

    def _write_rows(self, task: ShardTask) -> TokenStatistics:
        return tokenize_shard(task, self._options, self._over_long, self._done)


class _FetchOrTokenizeShard(_TokenizeShard):
    """The same, with the rows from the store where they are in it."""

    def __init__(
        self, options: TokenOptions, over_long: OverLong, store: ShardStore, recipe: str
    ) -> None:
        super().__init__(options, over_long)
        self._store = store
        self._recipe = recipe

    def _write_rows(self, task: ShardTask) -> TokenStatistics:
        digest = shard_digest(self._recipe, file_digest(task.records))
        if (stored := self._store.fetch(digest, task.rows)) is not None:
            _REUSED.inc()
            _report_progress(self._done + stored.records)
            return stored
        statistics = super()._write_rows(task)
        self._store.keep(digest, task.rows, statistics)
        return statistics


def _read_records(path: str) -> Iterator[Record]:
    try:
        with FileSystems.open(path) as file:
            yield from map(example_to_record, read_tfrecords(file))
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def _report_progress(done: int) -> None:
    progress.report(phase="tokenise", done=done, unit="records")


def _write_statistics(
    shards: list[tuple[ShardTask, TokenStatistics]],
    options: TokenOptions,
    over_long: OverLong,
    statistics_dir: str,
) -> None:
    by_split: dict[str, list[TokenStatistics]] = defaultdict(list)
    for task, statistics in sorted(shards, key=lambda shard: shard[0]):
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
