"""The Beam job of CorpusGen: source files to shards of record Examples, an index and reports.

    sources --read--> records --by shard--> write --> Split-train/records-00000-of-00004.tfrecord
               \\ \\--digests--> copies --leaks--^  |
                \\--> drops, faults ---------------\\--> drops.json, faults.json

Documents with the same text are found by `copies`; with `on_leak: drop` the writer of a shard is
told which of its records to leave out. A record's shard is decided by its id and the size of the
corpus alone, and a shard is sorted by id, so the files do not depend on the runner, its workers or
the order of the sources. One worker holds one shard (about 16 MiB) at a time.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import apache_beam as beam
from apache_beam.io.filesystem import CompressionTypes
from apache_beam.io.filesystems import FileSystems

from preprocessing import progress
from preprocessing.atomic_files import write_atomically
from preprocessing.copies import Copies, FindCopies, Loser, place_of
from preprocessing.corpus_report import (
    CHOSEN_REASONS,
    Event,
    TallyFn,
    counted,
    leaked_records,
    read_drops,
    read_faults,
    unfit_documents,
    write_report,
)
from preprocessing.errors import InputError
from preprocessing.options import CorpusOptions
from preprocessing.reading import duplicate_id, faults_error, read_source
from preprocessing.records import SPLITS, Drop, Fault, Record, record_to_example
from preprocessing.sources import SourceFile, corpus_folder
from preprocessing.tfrecords import write_tfrecords

SHARD_BYTES = 16 * 1024 * 1024

_FILES_BETWEEN_REPORTS = 64
_DOCUMENTS_NAMED = 3
_LEAKS_NAMED = 5


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
        )
    )
    # Not tagged outputs: DaskRunner gives each of them the elements of all (Beam 2.77).
    records = outcomes | "Records" >> beam.FlatMap(_records_of)
    events = outcomes | "Events" >> beam.FlatMap(_events_of)
    # A shard without records is a file as well, so each is named once at least.
    every_shard = pipeline | "EveryShard" >> beam.Create([(shard, None) for shard in range(shards)])
    copies = records | "FindCopies" >> FindCopies()
    to_write = [records, every_shard]
    if options.on_leak == "drop":
        to_write.append(copies | "DropLeaks" >> beam.FlatMap(_losers_by_shard, shards))
    written = (
        to_write
        | "AllShards" >> beam.Flatten()
        | "GroupByShard" >> beam.GroupByKey()
        | "WriteShards" >> beam.FlatMap(_write_shard, shards, examples_dir, index_dir)
    )
    _ = (
        (events, copies, written)
        | "AllEvents" >> beam.Flatten()
        | "Tally" >> beam.CombineGlobally(TallyFn())
        | "WriteReports" >> beam.Map(write_report, report_dir)
    )


def check_corpus(report_dir: str, options: CorpusOptions) -> dict[str, Any]:
    """The drop report in `report_dir` (see `Tally.drops_report`), if the corpus is fit to use.

    Raises InputError for a corpus with faults, with a larger share of dropped documents than
    `max_dropped_fraction` (not counting leaks and excluded ones), with leaks and `on_leak: fail`, without records,
    or without a record to train on.
    """
    if faults := read_faults(report_dir):
        raise faults_error(faults["first"], faults["count"])
    report = read_drops(report_dir)
    records, unfit = report["records"], unfit_documents(report)
    documents = records + report["dropped"]
    if unfit > options.max_dropped_fraction * documents:
        raise InputError(
            f"{unfit} of {documents} documents were dropped, more than "
            f"corpus.max_dropped_fraction {options.max_dropped_fraction:g} allows; "
            "fix or remove the files, or raise corpus.max_dropped_fraction",
            *(
                _describe(reason, entry)
                for reason, entry in report["reasons"].items()
                if reason not in CHOSEN_REASONS
            ),
        )
    if options.on_leak == "fail" and report["leaks"]["count"]:
        raise _leak_error(report["leaks"])
    if not records:
        raise InputError(f"{options.path}: no record in the corpus; set corpus.path to another")
    if not report["splits"]["train"]:
        remedy = "add documents, or lower corpus.validation_fraction and corpus.test_fraction"
        if leaked := leaked_records(report):
            remedy = (
                f"{counted(leaked, 'record was', 'records were')} dropped as copies of held-out "
                "documents; remove the held-out copies, or set corpus.on_leak to warn"
            )
        raise InputError(
            f"{options.path}: no record to train on, the splits have {report['splits']}; {remedy}"
        )
    return report


def _describe(reason: str, entry: dict[str, Any]) -> str:
    """A line for a reason: how often, and the first documents."""
    documents = "; ".join(
        f"{drop['source']}: {drop['id']} ({drop['detail']})"
        for drop in entry["first"][:_DOCUMENTS_NAMED]
    )
    return f"  {reason}: {entry['count']}, first {documents}"


def _leak_error(leaks: dict[str, Any]) -> InputError:
    """The error that names the first leaks, and what to do about them."""
    lines = []
    for group in leaks["first"][:_LEAKS_NAMED]:
        first, *others = (
            f"{document['id']} ({document['source']}, split {document['split']})"
            for document in group["first"]
        )
        hidden = group["count"] - len(group["first"])
        more = f" and {counted(hidden, 'more document')}" if hidden else ""
        lines.append(f"  {first} is also {', '.join(others)}{more}")
    hidden = leaks["count"] - len(lines)
    return InputError(
        f"{counted(leaks['count'], 'document is', 'documents are')} in more than one split, so "
        "the scores would be of documents that the model has seen; remove the copies from all "
        "splits but one, or set corpus.on_leak to drop (test is kept before validation, "
        "validation before train) or to warn",
        *lines,
        *(
            [f"  and {hidden} more; the report of a run with on_leak warn shows them"]
            if hidden
            else []
        ),
    )


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


def _records_of(outcome: tuple[int, Record] | Drop | Fault) -> Iterator[tuple[int, Record]]:
    """Of what `_ReadSource` yields, the records with their shards."""
    if isinstance(outcome, tuple):
        yield outcome


def _events_of(outcome: tuple[int, Record] | Drop | Fault) -> Iterator[Drop | Fault]:
    """Of what `_ReadSource` yields, the rest."""
    if not isinstance(outcome, tuple):
        yield outcome


class _ReadSource(beam.DoFn):
    """A source to (shard, record) pairs, drops and faults."""

    def __init__(
        self, folder: str, options: CorpusOptions, seed: int, shards: int, total: int
    ) -> None:
        self._folder = folder
        self._options = options
        self._seed = seed
        self._shards = shards
        self._total = total
        self._done = 0

    def process(self, source: SourceFile) -> Iterator[tuple[int, Record] | Drop | Fault]:
        """Read one source."""
        for outcome in read_source(source, self._open, self._options, self._seed):
            if isinstance(outcome, Record):
                yield shard_of(outcome.id, self._shards), outcome
            else:
                yield outcome
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


def _losers_by_shard(copies: Copies, shards: int) -> Iterator[tuple[int, Loser]]:
    """The records that a leak costs, each by the shard where it is."""
    for loser in copies.losers():
        yield shard_of(loser.place.id, shards), loser


def _write_shard(
    keyed: tuple[int, Iterable[Record | Loser | None]],
    shards: int,
    examples_dir: str,
    index_dir: str,
) -> Iterator[Event]:
    """Write a shard's files of each split, without the records that are Losers.

    The events are the split of each record written, the Losers' drops, and faults where two
    records have one id.
    """
    shard, group = keyed
    name = shard_name(shard, shards)
    by_split: dict[str, list[Record]] = defaultdict(list)
    records, losers = [], {}
    for element in group:
        if isinstance(element, Loser):
            losers[element.place] = element
        elif element is not None:
            records.append(element)
    previous = None
    for record in sorted(records, key=_order):
        if previous is not None and previous.id == record.id:
            yield duplicate_id(previous, record)
        previous = record
        if loser := losers.get(place_of(record)):
            yield loser.drop()
        else:
            by_split[record.split].append(record)
            yield record.split
    for split in SPLITS:
        members = by_split[split]
        folder = f"Split-{split}"
        write_atomically(
            FileSystems.join(examples_dir, folder, f"{name}.tfrecord"),
            partial(write_tfrecords, records=map(record_to_example, members)),
        )
        write_atomically(
            FileSystems.join(index_dir, folder, f"{name}.jsonl"),
            partial(_write_index, records=members, shard=shard),
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
