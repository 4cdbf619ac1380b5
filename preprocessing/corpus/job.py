"""The Beam job of CorpusGen: source files to shards of record Examples, an index and reports.

    sources --read--> blocks of records --by shard--> write --> Split-train/records-00000-of-00004.tfrecord
             \\ \\--> digests of documents --> copies --leaks--^ |
              \\--> drops, faults --------------------------\\--> drops.json, faults.json

Documents with the same text are found by `copies`; with `on_leak: drop` the writer of a shard is
told which of its records to leave out. A record's shard is decided by its id and the size of the
corpus alone, and a shard is sorted by id, so the files do not depend on the runner, its workers or
the order of the sources. One worker holds one block (about 16 MiB) or one shard (4 MiB) at a time,
and the shuffle holds places of blocks only, whose bytes wait in spill files (see `spill`).

What a job has written can be the base of the next one, which then reads only what has changed: see
`update`.
"""

import hashlib
import json
import pickle
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from operator import itemgetter
from pathlib import Path
from typing import Any, BinaryIO

import apache_beam as beam
from apache_beam.io.filesystem import CompressionTypes
from apache_beam.io.filesystems import FileSystems

from preprocessing.base import progress
from preprocessing.base.atomic_files import write_atomically
from preprocessing.base.errors import InputError
from preprocessing.corpus.reading import duplicate_id, faults_error, read_source
from preprocessing.corpus.report import (
    CHOSEN_REASONS,
    DROPS_FOLDER,
    Event,
    Tally,
    TallyFn,
    counted,
    leaked_records,
    read_drops,
    read_faults,
    unfit_documents,
    write_report,
)
from preprocessing.corpus.spill import (
    Spilled,
    SpillWriter,
    read_spilled,
    remove_spills,
    spill_folder,
)
from preprocessing.options import CorpusOptions
from preprocessing.records.copies import Copies, Loser, find_copies, in_batches
from preprocessing.records.index import IndexEntry, entry_of
from preprocessing.records.record import SPLITS, Drop, Fault, Outcome, Record, record_to_example
from preprocessing.records.tfrecords import write_tfrecords
from preprocessing.tasks.sources import SourceFile, corpus_folder

# Small, so that one changed document costs little: what shares its shard is read and tokenised anew.
SHARD_BYTES = 4 * 1024 * 1024

_FILES_BETWEEN_REPORTS = 64
# The runner takes its time for every element and a shard's writer for every spill file, so sources go
# together: into about 64 groups for all workers, each of 1 to 16 MiB.
_GROUPS = 64
_GROUP_BYTES = (1024 * 1024, 16 * 1024 * 1024)
# A source may be large, or compressed: what is read of it is spilled whenever it has come to this.
_BLOCK_BYTES = 16 * 1024 * 1024
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
    digest, split, shard, and the document's digest, see `copies`);
    `report_dir/drops/records-00000-of-N.jsonl`, if there are any, with every drop (id, source,
    reason, detail) whose id belongs to the shard; and the reports of `report`. When the pipeline has run, call
    `check_corpus(report_dir, options)`: mistakes in the corpus do not make the pipeline fail.
    """
    shards = shard_count(sum(source.stop - source.start for source in sources))
    spills = spill_folder(examples_dir)
    remove_spills(spills)  # those of a job that died
    outcomes = (
        pipeline
        | "Sources" >> beam.Create(_spill_groups(sources, spills), reshuffle=False)
        | "SpreadSources" >> beam.Reshuffle()
        | "ReadSources"
        >> beam.ParDo(
            _ReadSources(
                str(corpus_folder(Path(root))), options, seed, shards, len(sources), spills
            )
        )
    )
    # Not tagged outputs: DaskRunner gives each of them the elements of all (Beam 2.77).
    events = outcomes | "Events" >> beam.FlatMap(_events_of)
    # A shard without records is a file as well, so each is named once at least.
    every_shard = pipeline | "EveryShard" >> beam.Create([(shard, None) for shard in range(shards)])
    by_shard = outcomes | "ByShard" >> beam.FlatMap(_by_shard)
    copies = (
        outcomes
        | "ByDocument" >> beam.FlatMap(_by_document)
        | "GroupByDocument" >> beam.GroupByKey()
        | "FindCopies" >> beam.FlatMap(_copies_of)
    )
    drops = events | "DropsByShard" >> beam.FlatMap(_drops_by_shard, shards)
    to_write = [by_shard, drops, every_shard]
    if options.on_leak == "drop":
        to_write.append(copies | "DropLeaks" >> beam.FlatMap(_losers_by_shard, shards))
    written = (
        to_write
        | "AllShards" >> beam.Flatten()
        | "GroupByShard" >> beam.GroupByKey()
        | "WriteShards" >> beam.FlatMap(_write_shard, shards, examples_dir, index_dir, report_dir)
    )
    faults = events | "Faults" >> beam.Filter(lambda event: isinstance(event, Fault))
    _ = (
        (faults, copies, written)
        | "AllEvents" >> beam.Flatten()
        | "Tally" >> beam.CombineGlobally(TallyFn())
        | "WriteReports" >> beam.Map(_finish, report_dir, spills)
    )


def _finish(tally: Tally, report_dir: str, spills: str) -> None:
    """Write the reports when every shard is written, and nobody needs the spill files any more."""
    write_report(tally, report_dir)
    remove_spills(spills)


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
    """The number of shards of a corpus: a power of two that makes them about 4 MiB each.

    >>> shard_count(1000), shard_count(4 * 2**20), shard_count(100 * 2**20)
    (1, 1, 32)
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


# A record: its entry in the index, and its Example.
_Member = tuple[IndexEntry, bytes]


@dataclass(frozen=True)
class _Spills:
    """Records that a reader has spilled: a block of them for each shard, and what `copies` asks of
    them, by the first byte of their documents' digests."""

    by_shard: tuple[tuple[int, Spilled], ...]
    by_document: tuple[tuple[int, Spilled], ...]


class _Block:
    """Records that are to be spilled, by shard: the entry in the index and the Example of each."""

    def __init__(self, shards: int) -> None:
        self._shards = shards
        self._members: dict[int, list[_Member]] = defaultdict(list)
        self.size = 0

    def add(self, record: Record) -> None:
        """Add a record."""
        entry, example = entry_of(record), record_to_example(record)
        self._members[shard_of(record.id, self._shards)].append((entry, example))
        self.size += len(example)

    def spill(self, writer: SpillWriter) -> _Spills:
        """Write the records."""
        entries = [entry for members in self._members.values() for entry, _ in members]
        documents = in_batches((entry.document, entry.place) for entry in entries)
        return _Spills(
            tuple(
                (shard, writer.write(pickle.dumps(members)))
                for shard, members in self._members.items()
            ),
            tuple((first, writer.write(batch)) for first, batch in documents),
        )


_Read = _Spills | Drop | Fault


def _by_shard(read: _Read) -> Iterator[tuple[int, Spilled]]:
    """Of what `_ReadSources` yields, the blocks of the shards."""
    if isinstance(read, _Spills):
        yield from read.by_shard


def _by_document(read: _Read) -> Iterator[tuple[int, Spilled]]:
    """Of what `_ReadSources` yields, the blocks for `find_copies`."""
    if isinstance(read, _Spills):
        yield from read.by_document


def _events_of(read: _Read) -> Iterator[Drop | Fault]:
    """Of what `_ReadSources` yields, the rest."""
    if not isinstance(read, _Spills):
        yield read


def _copies_of(blocks: tuple[int, Iterable[Spilled]]) -> Iterator[Copies]:
    return find_copies(read_spilled(blocks[1]))


def _drops_by_shard(event: Drop | Fault, shards: int) -> Iterator[tuple[int, Drop]]:
    """A drop with the shard that names it, by its id as a record's."""
    if isinstance(event, Drop):
        yield shard_of(event.id, shards), event


def _spill_groups(sources: Sequence[SourceFile], spills: str) -> list[Spilled]:
    """Where the groups of sources wait: what is in the pipeline itself is compressed and copied."""
    with SpillWriter(spills) as writer:
        return [writer.write(pickle.dumps(group)) for group in _in_groups(sources)]


def _in_groups(sources: Sequence[SourceFile]) -> list[list[SourceFile]]:
    """The sources in order, so many together as a worker reads at a time."""
    least, most = _GROUP_BYTES
    total = sum(source.stop - source.start for source in sources)
    groups: list[list[SourceFile]] = []
    room = 0
    for source in sources:
        if room <= 0:
            groups.append([])
            room = min(max(total // _GROUPS, least), most)
        groups[-1].append(source)
        room -= source.stop - source.start
    return groups


class _ReadSources(beam.DoFn):
    """A group of sources to its drops and faults, and to its records, which it spills."""

    def __init__(
        self,
        folder: str,
        options: CorpusOptions,
        seed: int,
        shards: int,
        total: int,
        spills: str,
    ) -> None:
        self._folder = folder
        self._options = options
        self._seed = seed
        self._shards = shards
        self._total = total
        self._spills = spills
        self._done = 0

    def process(self, group: Spilled) -> Iterator[_Read]:
        """Read a group of sources."""
        (sources,) = map(pickle.loads, read_spilled([group]))
        block, spilled = _Block(self._shards), []
        with SpillWriter(self._spills) as writer:
            for source in sources:
                for outcome in self._read(source):
                    if not isinstance(outcome, Record):
                        yield outcome
                        continue
                    block.add(outcome)
                    if block.size >= _BLOCK_BYTES:
                        spilled.append(block.spill(writer))
                        block = _Block(self._shards)
            spilled.append(block.spill(writer))
        yield from spilled

    def _read(self, source: SourceFile) -> Iterator[Outcome]:
        yield from read_source(source, self._open, self._options, self._seed)
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
    keyed: tuple[int, Iterable[Spilled | Loser | Drop | None]],
    shards: int,
    examples_dir: str,
    index_dir: str,
    report_dir: str,
) -> Iterator[Event]:
    """Write a shard's files of each split, without the records that are Losers, and its drops.

    The events are the numbers of records written, the drops, also the Losers', and faults where
    two records have one id.
    """
    shard, group = keyed
    name = shard_name(shard, shards)
    by_split: dict[str, list[_Member]] = defaultdict(list)
    blocks: list[Spilled] = []
    drops: list[Drop] = []
    losers = {}
    for element in group:
        if isinstance(element, Loser):
            losers[element.place] = element
        elif isinstance(element, Drop):
            drops.append(element)
        elif element is not None:
            blocks.append(element)
    previous = None
    members = [member for block in read_spilled(blocks) for member in pickle.loads(block)]
    # By id, then by source and position: so a message about a duplicate does not depend on the order read.
    for member in sorted(members, key=itemgetter(0)):
        place = member[0].place
        if previous is not None and previous.id == place.id:
            yield duplicate_id(previous, place)
        previous = place
        if loser := losers.get(place):
            drops.append(loser.drop())
        else:
            by_split[place.split].append(member)
    yield Counter({split: len(found) for split, found in by_split.items()})
    for split in SPLITS:
        examples = (example for _, example in by_split[split])
        write_examples(split_file(examples_dir, split, f"{name}.tfrecord"), examples)
        lines = [entry.line(shard) for entry, _ in by_split[split]]
        write_lines(split_file(index_dir, split, f"{name}.jsonl"), lines)
    write_drops(report_dir, name, drops)
    yield from drops


def split_file(folder: str, split: str, name: str) -> str:
    """The path of a shard's file of one split."""
    return FileSystems.join(folder, f"Split-{split}", name)


def write_examples(path: str, examples: Iterable[bytes]) -> None:
    """Write serialised Examples in their order."""
    write_atomically(path, partial(write_tfrecords, records=examples))


def write_lines(path: str, lines: Iterable[str]) -> None:
    """Write lines of JSON."""
    write_atomically(path, partial(_write_text, text=joined_lines(lines)))


def joined_lines(lines: Iterable[str]) -> str:
    """The text of lines, each with its end."""
    return "\n".join([*lines, ""])


def _write_text(file: BinaryIO, text: str) -> None:
    file.write(text.encode())


def write_drops(report_dir: str, name: str, drops: Iterable[Drop]) -> None:
    """Write the drops of a shard by id, a line each; no file where there is none."""
    ordered = sorted(drops, key=lambda drop: (drop.id, drop.source, drop.reason, drop.detail))
    if ordered:
        lines = (json.dumps(asdict(drop), ensure_ascii=False) for drop in ordered)
        write_lines(FileSystems.join(report_dir, DROPS_FOLDER, f"{name}.jsonl"), lines)
