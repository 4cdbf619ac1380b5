"""From a source to what becomes of it, and a whole corpus without Beam."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from preprocessing.errors import InputError
from preprocessing.options import CorpusOptions
from preprocessing.records import Drop, Fault, Outcome, Record
from preprocessing.sources import SourceFile, corpus_folder, list_sources
from preprocessing.tasks import TASKS

# How many faults a message lists before it only counts them.
MAX_FAULTS_SHOWN = 20


def read_source(
    source: SourceFile,
    open_file: Callable[[str], BinaryIO],
    options: CorpusOptions,
    seed: int,
) -> Iterator[Outcome]:
    """The records, drops and faults of `source`; `open_file` opens it by its name.

    A file that cannot be read is a Fault.
    """
    if source.drop is not None:
        yield source.drop
        return
    try:
        with open_file(source.name) as file:
            if source.start:
                file.seek(source.start)
            # One byte more than expected at the end of the file, to notice if it grew.
            data = file.read(source.stop - source.start + (source.stop == source.size))
    except OSError as error:
        yield Fault(f"{source.name}: cannot be read: {error}; make it readable or remove it")
        return
    if len(data) != source.stop - source.start:
        yield Fault(
            f"{source.name}: changed its size while the corpus was read; run again when nothing "
            "changes the corpus"
        )
        return
    yield from TASKS[options.task].parse(source, data, options, seed)


def read_records(root: Path, options: CorpusOptions, seed: int) -> tuple[list[Record], list[Drop]]:
    """Every record and every drop of the corpus at `root`, sorted by id, all in memory.

    Raises InputError with all faults of the corpus (the first 20 in full).
    """
    folder = corpus_folder(root)

    def open_file(name: str) -> BinaryIO:
        return open(folder / name, "rb")

    records: dict[str, Record] = {}
    drops: list[Drop] = []
    faults: list[str] = []
    for source in list_sources(root, options):
        for outcome in read_source(source, open_file, options, seed):
            match outcome:
                case Record() if outcome.id in records:
                    faults.append(duplicate_id(records[outcome.id], outcome).message)
                case Record():
                    records[outcome.id] = outcome
                case Drop():
                    drops.append(outcome)
                case Fault():
                    faults.append(outcome.message)
    if faults:
        raise faults_error(sorted(faults), len(faults))
    drops.sort(key=lambda drop: (drop.id, drop.source))
    return [records[record_id] for record_id in sorted(records)], drops


def duplicate_id(first: Record, second: Record) -> Fault:
    """The fault that two records have the same id."""
    places = " and ".join(
        f"{record.source} (position {record.position}, split {record.split})"
        for record in (first, second)
    )
    return Fault(f"record id {first.id!r} occurs twice: in {places}; remove or rename one of them")


def faults_error(messages: list[str], count: int) -> InputError:
    """The error that reports the first of `count` faults."""
    shown = messages[:MAX_FAULTS_SHOWN]
    hidden = count - len(shown)
    return InputError(*shown, *([f"and {hidden} more faults of this kind"] if hidden else []))
