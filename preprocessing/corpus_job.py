"""The Beam job of CorpusGen: source files to shards of record Examples, an index and reports.

    sources --read--> records --by shard--> write --> Split-train/records-00000-of-00004.tfrecord
                 \\--> drops, faults ------------\\--> drops.json, faults.json

A record's shard is decided by its id and the size of the corpus alone, and a shard is sorted by
id, so the files do not depend on the runner, its workers or the order of the sources. One worker
holds one shard (about 16 MiB) at a time.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, Final, Literal

import apache_beam as beam
from apache_beam.io.filesystem import CompressionTypes
from apache_beam.io.filesystems import FileSystems
from apache_beam.pvalue import TaggedOutput

from preprocessing import progress
from preprocessing.atomic_files import write_atomically
from preprocessing.corpus_report import TallyFn, read_drops, read_faults, write_report
from preprocessing.errors import InputError
from preprocessing.options import CorpusOptions
from preprocessing.reading import duplicate_id, faults_error, read_source
from preprocessing.records import SPLITS, Drop, Fault, Record, record_to_example
from preprocessing.sources import SourceFile, corpus_folder
from preprocessing.tfrecords import write_tfrecords

SHARD_BYTES = 16 * 1024 * 1024

_FILES_BETWEEN_REPORTS = 64
_DOCUMENTS_NAMED = 3
_EVENTS: Final = "events"


def write_corpus(
    pipeline: beam.Pipeline,
    root: str,
    sources: Sequence[SourceFile],
    options: CorpusOptions,
    seed: int,
    examples_dir: str,
    index_dir: str,
    report_dir: str,
) -> None:
    """Add to `pipeline` the transforms that turn `sources` of the corpus at `root` into records.

    Written are, with N shards and for each split, even if empty:
    `examples_dir/Split-<split>/records-00000-of-N.tfrecord` (see `record_to_example`) and
    `index_dir/Split-<split>/records-00000-of-N.jsonl` (a line a record: id, source, position,
    digest, split, shard); and the reports of `corpus_report`. When the pipeline has run, call
    `check_corpus(report_dir, options)`: mistakes in the corpus do not make the pipeline fail.
    """
    shards = shard_count(sum(source.stop - source.start for source in sources))
    outcomes = (
        pipeline
        | "Sources" >> beam.Create(list(sources))
        | "SpreadSources" >> beam.Reshuffle()
        | "ReadSources"
        >> beam.ParDo(
            _ReadSource(str(corpus_folder(Path(root))), options, seed, shards, len(sources))
        ).with_outputs(_EVENTS, main="records")
    )
    # A shard without records is a file as well, so each is named once at least.
    every_shard = pipeline | "EveryShard" >> beam.Create([(shard, None) for shard in range(shards)])
    written = (
        (outcomes.records, every_shard)
        | "AllShards" >> beam.Flatten()
        | "GroupByShard" >> beam.GroupByKey()
        | "WriteShards" >> beam.FlatMap(_write_shard, shards, examples_dir, index_dir)
    )
    _ = (
        (outcomes[_EVENTS], written)
        | "AllEvents" >> beam.Flatten()
        | "Tally" >> beam.CombineGlobally(TallyFn())
        | "WriteReports" >> beam.Map(write_report, report_dir)
    )


def check_corpus(report_dir: str, options: CorpusOptions) -> dict[str, Any]:
    """The drop report in `report_dir` (see `Tally.drops_report`), if the corpus is fit to use.

    Raises InputError for a corpus with faults, with a larger share of dropped documents than
    `max_dropped_fraction`, without records, or without a record to train on.
    """
    if faults := read_faults(report_dir):
        raise faults_error(faults["first"], faults["count"])
    report = read_drops(report_dir)
    records, dropped = report["records"], report["dropped"]
    if dropped > options.max_dropped_fraction * (records + dropped):
        raise InputError(
            f"{dropped} of {records + dropped} documents were dropped, more than "
            f"corpus.max_dropped_fraction {options.max_dropped_fraction:g} allows; "
            "fix or remove the files, or raise corpus.max_dropped_fraction",
            *(_describe(reason, entry) for reason, entry in report["reasons"].items()),
        )
    if not records:
        raise InputError(f"{options.path}: no record in the corpus; set corpus.path to another")
    if not report["splits"]["train"]:
        raise InputError(
            f"{options.path}: no record to train on, the splits have {report['splits']}; add "
            "documents, or lower corpus.validation_fraction and corpus.test_fraction"
        )
    return report


def _describe(reason: str, entry: dict[str, Any]) -> str:
    """A line for a reason: how often, and the first documents."""
    documents = "; ".join(
        f"{drop['source']}: {drop['id']} ({drop['detail']})"
        for drop in entry["first"][:_DOCUMENTS_NAMED]
    )
    return f"  {reason}: {entry['count']}, first {documents}"


def shard_count(total_bytes: int) -> int:
    """The number of shards of a corpus: a power of two that makes them about 16 MiB each.

    >>> shard_count(1000), shard_count(16 * 2**20), shard_count(100 * 2**20)
    (1, 1, 8)
    """
    shards = 1
    while shards * SHARD_BYTES < total_bytes:
        shards *= 2
    return shards


def shard_of(record_id: str, shards: int) -> int:
    """The shard of a record, by the hash of its id."""
    return int(hashlib.sha256(record_id.encode()).hexdigest()[:8], 16) % shards


def shard_name(shard: int, shards: int) -> str:
    """The name of a shard's files, without their suffix."""
    return f"records-{shard:05d}-of-{shards:05d}"


class _ReadSource(beam.DoFn):
    """A source to (shard, record) pairs, and to drops and faults beside them."""

    def __init__(
        self, folder: str, options: CorpusOptions, seed: int, shards: int, total: int
    ) -> None:
        self._folder = folder
        self._options = options
        self._seed = seed
        self._shards = shards
        self._total = total
        self._done = 0

    def process(
        self, source: SourceFile
    ) -> Iterator[tuple[int, Record] | TaggedOutput[Literal["events"], Drop | Fault]]:
        """Read one source."""
        for outcome in read_source(source, self._open, self._options, self._seed):
            if isinstance(outcome, Record):
                yield shard_of(outcome.id, self._shards), outcome
            else:
                yield TaggedOutput(_EVENTS, outcome)
        self._done += 1
        if self._done % _FILES_BETWEEN_REPORTS == 0:
            self._report()

    def finish_bundle(self) -> None:
        """Report what the last files of the bundle add."""
        self._report()

    def _report(self) -> None:
        progress.report(phase="read", done=self._done, total=self._total, unit="files")

    def _open(self, name: str) -> BinaryIO:
        return FileSystems.open(
            FileSystems.join(self._folder, name), compression_type=CompressionTypes.UNCOMPRESSED
        )


def _write_shard(
    keyed: tuple[int, Iterable[Record | None]], shards: int, examples_dir: str, index_dir: str
) -> Iterator[str | Fault]:
    """Write a shard's files of each split; the events are each record's split, and duplicates."""
    shard, group = keyed
    name = shard_name(shard, shards)
    by_split: dict[str, list[Record]] = defaultdict(list)
    previous = None
    for record in sorted(filter(None, group), key=_order):
        if previous is not None and previous.id == record.id:
            yield duplicate_id(previous, record)
        by_split[record.split].append(record)
        previous = record
        yield record.split
    for split in SPLITS:
        records = by_split[split]
        folder = f"Split-{split}"
        write_atomically(
            FileSystems.join(examples_dir, folder, f"{name}.tfrecord"),
            partial(write_tfrecords, records=map(record_to_example, records)),
        )
        write_atomically(
            FileSystems.join(index_dir, folder, f"{name}.jsonl"),
            partial(_write_index, records=records, shard=shard),
        )


def _order(record: Record) -> tuple[str, str, int]:
    """By id; what follows makes the message about a duplicate independent of the order read."""
    return record.id, record.source, record.position


def _write_index(file: BinaryIO, records: Iterable[Record], shard: int) -> None:
    for record in records:
        line = {
            "id": record.id,
            "source": record.source,
            "position": record.position,
            "digest": record.digest,
            "split": record.split,
            "shard": shard,
        }
        file.write((json.dumps(line, ensure_ascii=False) + "\n").encode())
