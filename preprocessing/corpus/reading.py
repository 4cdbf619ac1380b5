"""From a source to what becomes of it, and a whole corpus without Beam."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from preprocessing.base.errors import InputError
from preprocessing.options import CorpusOptions
from preprocessing.readers.compression import READ_ERRORS
from preprocessing.readers.content import OpenFile
from preprocessing.records.copies import copies_among, document_digest
from preprocessing.records.exclusion import exclude, exclude_source, with_exclude_file
from preprocessing.records.record import Drop, Fault, Outcome, Place, Record
from preprocessing.tasks.registry import TASKS
from preprocessing.tasks.sources import SourceFile, corpus_folder, list_sources

# How many faults a message lists before it only counts them.
MAX_FAULTS_SHOWN = 20


def read_source(
    source: SourceFile,
    open_file: OpenFile,
    options: CorpusOptions,
    seed: int,
) -> Iterator[Outcome]:
    """The records, drops and faults of `source`; `open_file` opens it by its name.

    Whoever is named in `options.exclude` becomes a Drop with the reason `excluded`. A file that
    cannot be read is a Fault.
    """
    if source.name in options.excluded:
        yield exclude_source(source.name)
        return
    try:
        task = TASKS[options.task]
        outcomes = [source.drop] if source.drop else task.read(source, open_file, options, seed)
        yield from exclude(outcomes, options.excluded)
    except READ_ERRORS as error:
        yield Fault(f"{source.name}: cannot be read: {error}; make it readable or remove it")


def read_records(root: Path, options: CorpusOptions, seed: int) -> tuple[list[Record], list[Drop]]:
    """Every record and every drop of the corpus at `root`, sorted by id, all in memory.

    Raises InputError with all faults of the corpus (the first 20 in full), and for a document in two
    splits if `on_leak` is `fail`.
    """
    folder = corpus_folder(root)
    options = with_exclude_file(root, options)

    def open_file(name: str) -> BinaryIO:
        return open(folder / name, "rb")

    records: dict[str, Record] = {}
    drops: list[Drop] = []
    faults: list[str] = []
    for source in list_sources(root, options):
        for outcome in read_source(source, open_file, options, seed):
            match outcome:
                case Record() if outcome.id in records:
                    faults.append(duplicate_id(records[outcome.id].place, outcome.place).message)
                case Record():
                    records[outcome.id] = outcome
                case Drop():
                    drops.append(outcome)
                case Fault():
                    faults.append(outcome.message)
    if faults:
        raise faults_error(sorted(faults), len(faults))
    for drop in _leaks(records.values(), options):
        del records[drop.id]
        drops.append(drop)
    drops.sort(key=lambda drop: (drop.id, drop.source))
    return [records[record_id] for record_id in sorted(records)], drops


def _leaks(records: Iterable[Record], options: CorpusOptions) -> list[Drop]:
    """The records to leave out because of `on_leak`, each as a drop."""
    if options.on_leak == "warn":
        return []
    places: dict[bytes, list[Place]] = defaultdict(list)
    for record in records:
        places[document_digest(record)].append(record.place)
    groups = (copies for group in places.values() for copies in copies_among(group))
    losers = [loser.drop() for copies in groups for loser in copies.losers()]
    if losers and options.on_leak == "fail":
        first = min(losers, key=lambda drop: drop.id)
        raise InputError(
            f"{first.id} ({first.source}) is {first.detail}, and {len(losers) - 1} more records are in "
            "two splits; remove the copies, or set corpus.on_leak to drop or warn"
        )
    return losers


def duplicate_id(first: Place, second: Place) -> Fault:
    """The fault that two records have the same id."""
    places = " and ".join(
        f"{place.source} (position {place.position}, split {place.split})"
        for place in (first, second)
    )
    return Fault(f"record id {first.id!r} occurs twice: in {places}; remove or rename one of them")


def faults_error(messages: list[str], count: int) -> InputError:
    """The error that reports the first of `count` faults."""
    shown = messages[:MAX_FAULTS_SHOWN]
    hidden = count - len(shown)
    return InputError(*shown, *([f"and {hidden} more faults of this kind"] if hidden else []))
