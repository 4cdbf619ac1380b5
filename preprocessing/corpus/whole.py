"""A whole corpus in memory, without a job: for a corpus that is scored, and for tests."""

import os

from preprocessing.corpus.check import faults_error, leak_error
from preprocessing.corpus.reading import read_source
from preprocessing.corpus.settlement import Member, Settlement
from preprocessing.options import CorpusOptions
from preprocessing.readers.listing import CorpusFiles
from preprocessing.readers.source_file import Corpus
from preprocessing.records.exclusion import exclusion, with_exclude_file
from preprocessing.records.index import entry_of
from preprocessing.records.record import Drop, Fault, Record
from preprocessing.tasks.registry import list_sources


def read_records(
    root: str | os.PathLike[str], options: CorpusOptions, seed: int
) -> tuple[list[Record], list[Drop]]:
    """Every record and every drop of the corpus at `root`, sorted by id, as the job makes them.

    Raises InputError with all faults of the corpus (the first 20 in full), and for a document in two
    splits if `on_leak` is `fail`.
    """
    options = with_exclude_file(root, options)
    corpus = Corpus(CorpusFiles(root).open, options, seed)
    records: list[Record] = []
    drops: list[Drop] = []
    faults: list[str] = []
    for source in list_sources(root, options):
        for outcome in read_source(source, corpus):
            if isinstance(outcome, Fault):
                faults.append(outcome.message)
            elif excluded := exclusion(outcome.id, outcome.source, options.excluded):
                drops.append(excluded)
            elif isinstance(outcome, Drop):
                drops.append(outcome)
            else:
                records.append(outcome)
    if faults:
        raise faults_error(sorted(faults), len(faults))
    settlement = Settlement.of(
        (Member(0, place, entry_of(record)) for place, record in enumerate(records)),
        options.on_leak,
    )
    if options.on_leak == "fail" and settlement.tally.leaks.count:
        raise leak_error(settlement.tally.drops_report()["leaks"])
    kept = []
    for place, record in enumerate(records):
        amendment = settlement.amendments.get(0, {}).get(place)
        if isinstance(amendment, Drop):
            drops.append(amendment)
        else:
            kept.append(record if amendment is None else record.named(amendment))
    kept.sort(key=lambda record: record.id)
    drops.sort(key=lambda drop: (drop.id, drop.source))
    return kept, drops
