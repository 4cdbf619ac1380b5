"""What became of a corpus' documents: counted in parallel, written as two JSON files."""

import json
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from apache_beam.io.filesystems import FileSystems

from preprocessing.base.places import files_matching, open_file, write_json
from preprocessing.readers.listing import APPLE_DOUBLE
from preprocessing.records.copies import LEAK, Copies
from preprocessing.records.exclusion import EXCLUDED
from preprocessing.records.firsts import Drops, Firsts
from preprocessing.records.ids import names_of
from preprocessing.records.record import SPLITS, TRAIN, Drop, Fault

# Reasons that say nothing against a corpus: the user's own choices, and what belongs to no document.
CHOSEN_REASONS = frozenset({LEAK, EXCLUDED, APPLE_DOUBLE})

DROPS_FILE = "drops.json"
FAULTS_FILE = "faults.json"
DROPS_FOLDER = "drops"

_MAX_COPIES_SHOWN = 5

Event = Counter[str] | Drop | Fault | Copies

_Group = Firsts[tuple[str, str, str]]
"""Copies as the report shows them: id, source and split of the first documents of each split, and how many all are."""


@dataclass
class Tally:
    """Counts of records, drops, faults and copies, with the first few of each but the records.

    exposed: by split, the held-out records whose document is trained on as well, see `Copies.exposed`.
    """

    records: Counter[str] = field(default_factory=Counter)
    drops: Drops = field(default_factory=Drops)
    faults: Firsts[str] = field(default_factory=Firsts)
    duplicates: Firsts[_Group] = field(default_factory=Firsts)
    leaks: Firsts[_Group] = field(default_factory=Firsts)
    exposed: Counter[str] = field(default_factory=Counter)

    def add(self, event: Event) -> None:
        """Count an event: records (how many of each split), a drop, a fault, or copies."""
        match event:
            case Drop():
                self.drops.add(event)
            case Fault():
                self.faults.add(event.message)
            case Copies():
                (self.leaks if event.is_leak else self.duplicates).add(_group(event))
            case records:
                self.records += records

    def merge(self, other: "Tally") -> None:
        """Count what `other` has counted; the order of merging makes no difference."""
        self.records += other.records
        self.drops.merge(other.drops)
        self.faults.merge(other.faults)
        self.duplicates.merge(other.duplicates)
        self.leaks.merge(other.leaks)
        self.exposed += other.exposed

    def drops_report(self) -> dict[str, Any]:
        """The contents of drops.json.

        `duplicates` and `leaks` count groups of copies (see `Copies`), each of which counts its
        documents and names the first of them in each split. A record that was dropped because of
        a leak is in its group all the same. `exposed` has the held-out records that are left of
        which train has a copy, by split.
        """
        return {
            "records": self.records.total(),
            "splits": {split: self.records[split] for split in SPLITS},
            "dropped": self.drops.count,
            "reasons": self.drops.report(),
            "duplicates": _groups_report(self.duplicates),
            "leaks": _groups_report(self.leaks),
            "exposed": {split: self.exposed[split] for split in SPLITS if split != TRAIN},
        }

    def faults_report(self) -> dict[str, Any]:
        """The contents of faults.json."""
        return {"count": self.faults.count, "first": self.faults.first}


def _group(copies: Copies) -> _Group:
    documents = copies.documents
    shown: list[tuple[str, str, str]] = []
    for split in SPLITS[::-1]:
        places = [place for place in documents if place.split == split][:_MAX_COPIES_SHOWN]
        shown += [(place.id, place.source, place.split) for place in places]
    return Firsts(shown, len(documents))


def _groups_report(groups: Firsts[_Group]) -> dict[str, Any]:
    return {
        "count": groups.count,
        "first": [group.report("id", "source", "split") for group in groups.first],
    }


def write_report(tally: Tally, report_dir: str) -> None:
    """Write drops.json and, if there are faults, faults.json."""
    write_json(FileSystems.join(report_dir, DROPS_FILE), tally.drops_report())
    if tally.faults.count:
        write_json(FileSystems.join(report_dir, FAULTS_FILE), tally.faults_report())


def read_drops(report_dir: str) -> dict[str, Any]:
    """What `write_report` has written as drops.json."""
    return _read_json(FileSystems.join(report_dir, DROPS_FILE))


def read_faults(report_dir: str) -> dict[str, Any] | None:
    """What `write_report` has written as faults.json, None where there were no faults."""
    path = FileSystems.join(report_dir, FAULTS_FILE)
    return _read_json(path) if FileSystems.exists(path) else None


def note_unmatched(report_dir: str, excluded: Collection[str]) -> list[str]:
    """The names in `corpus.exclude` that no document has, in order; drops.json has them as well.

    Most likely they were mistyped. They are found by what the drops in `report_dir` name.
    """
    found: set[str] = set()
    for found_file in files_matching(report_dir, DROPS_FOLDER, "*.jsonl"):
        with open_file(found_file.path) as file:
            drops = (json.loads(line) for line in file)
            for drop in drops:
                if drop["reason"] == EXCLUDED:
                    found.update(names_of(drop["id"]))
    unmatched = sorted(set(excluded) - found)
    report = read_drops(report_dir) | {"exclude_unmatched": unmatched}
    write_json(FileSystems.join(report_dir, DROPS_FILE), report)
    return unmatched


def unfit_documents(report: dict[str, Any]) -> int:
    """How many documents were dropped for what they are, not for one of CHOSEN_REASONS."""
    reasons = report["reasons"].items()
    return sum(entry["count"] for reason, entry in reasons if reason not in CHOSEN_REASONS)


def leaked_records(report: dict[str, Any]) -> int:
    """How many records were dropped because of a leak."""
    count: int = report["reasons"].get(LEAK, {"count": 0})["count"]
    return count


def describe_copies(report: dict[str, Any]) -> str:
    """What a drop report says of leaks and duplicates, in a line; empty if there are none."""
    parts = []
    if leaks := report["leaks"]["count"]:
        parts.append(f"{counted(leaks, 'document is', 'documents are')} in more than one split")
    if duplicates := report["duplicates"]["count"]:
        occur = counted(duplicates, "document occurs", "documents occur")
        parts.append(f"{occur} more than once within a split")
    return "; ".join(parts)


def describe_records(report: dict[str, Any]) -> str:
    """What a drop report says of all documents, in a line.

    >>> reasons = {"no_highlight": {"count": 2}}
    >>> report = {"records": 9, "splits": {"train": 8, "test": 1}, "dropped": 2, "reasons": reasons}
    >>> describe_records(report)
    '9 records (8 train, 1 test), 2 dropped (no_highlight 2)'
    """
    splits = ", ".join(f"{count} {split}" for split, count in report["splits"].items())
    reasons = ", ".join(f"{name} {drop['count']}" for name, drop in report["reasons"].items())
    why = f" ({reasons})" if reasons else ""
    return f"{counted(report['records'], 'record')} ({splits}), {report['dropped']} dropped{why}"


def counted(count: int, singular: str, plural: str | None = None) -> str:
    """A number and what it counts.

    >>> counted(1, "document"), counted(2, "document"), counted(0, "story is", "stories are")
    ('1 document', '2 documents', '0 stories are')
    """
    return f"{count} {singular if count == 1 else plural or singular + 's'}"


def _read_json(path: str) -> dict[str, Any]:
    with open_file(path) as file:
        report: dict[str, Any] = json.load(file)
        return report
