"""What became of a corpus' documents: counted in parallel, written as two JSON files."""

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from heapq import nsmallest
from typing import Any

import apache_beam as beam
from apache_beam.io.filesystems import FileSystems

from preprocessing.atomic_files import write_json_atomically
from preprocessing.reading import MAX_FAULTS_SHOWN
from preprocessing.records import SPLITS, Drop, Fault

DROPS_FILE = "drops.json"
FAULTS_FILE = "faults.json"

_MAX_DROPS_SHOWN = 20


@dataclass
class Tally:
    """Counts of records, drops and faults, with the first few of the latter two."""

    records: Counter[str] = field(default_factory=Counter)
    drops: Counter[str] = field(default_factory=Counter)
    first_drops: dict[str, list[tuple[str, str, str]]] = field(default_factory=dict)
    faults: int = 0
    first_faults: list[str] = field(default_factory=list)

    def add(self, event: "str | Drop | Fault") -> None:
        """Count an event: a record by the name of its split, a drop, or a fault."""
        match event:
            case Drop():
                self.drops[event.reason] += 1
                self._keep_drops(event.reason, [(event.id, event.source, event.detail)])
            case Fault():
                self.faults += 1
                self._keep_faults([event.message])
            case split:
                self.records[split] += 1

    def merge(self, other: "Tally") -> None:
        """Count what `other` has counted; the order of merging makes no difference."""
        self.records += other.records
        self.drops += other.drops
        for reason, drops in other.first_drops.items():
            self._keep_drops(reason, drops)
        self.faults += other.faults
        self._keep_faults(other.first_faults)

    def _keep_drops(self, reason: str, drops: list[tuple[str, str, str]]) -> None:
        kept = self.first_drops.get(reason, [])
        self.first_drops[reason] = nsmallest(_MAX_DROPS_SHOWN, kept + drops)

    def _keep_faults(self, messages: list[str]) -> None:
        self.first_faults = nsmallest(MAX_FAULTS_SHOWN, self.first_faults + messages)

    def drops_report(self) -> dict[str, Any]:
        """The contents of drops.json."""
        return {
            "records": self.records.total(),
            "splits": {split: self.records[split] for split in SPLITS},
            "dropped": self.drops.total(),
            "reasons": {
                reason: {
                    "count": self.drops[reason],
                    "first": [
                        {"id": record_id, "source": source, "detail": detail}
                        for record_id, source, detail in self.first_drops[reason]
                    ],
                }
                for reason in sorted(self.drops)
            },
        }

    def faults_report(self) -> dict[str, Any]:
        """The contents of faults.json."""
        return {"count": self.faults, "first": self.first_faults}


class TallyFn(beam.CombineFn):
    """Combines events (see `Tally.add`) to one Tally."""

    def create_accumulator(self) -> Tally:
        """A tally of nothing."""
        return Tally()

    def add_input(self, accumulator: Tally, element: "str | Drop | Fault") -> Tally:
        """The tally with one event more."""
        accumulator.add(element)
        return accumulator

    def merge_accumulators(self, accumulators: Iterable[Tally]) -> Tally:
        """The sum of tallies."""
        merged = Tally()
        for accumulator in accumulators:
            merged.merge(accumulator)
        return merged

    def extract_output(self, accumulator: Tally) -> Tally:
        """The tally itself."""
        return accumulator


def write_report(tally: Tally, report_dir: str) -> None:
    """Write drops.json and, if there are faults, faults.json."""
    write_json_atomically(FileSystems.join(report_dir, DROPS_FILE), tally.drops_report())
    if tally.faults:
        write_json_atomically(FileSystems.join(report_dir, FAULTS_FILE), tally.faults_report())


def read_drops(report_dir: str) -> dict[str, Any]:
    """What `write_report` has written as drops.json."""
    return _read_json(FileSystems.join(report_dir, DROPS_FILE))


def read_faults(report_dir: str) -> dict[str, Any] | None:
    """What `write_report` has written as faults.json, None where there were no faults."""
    path = FileSystems.join(report_dir, FAULTS_FILE)
    return _read_json(path) if FileSystems.exists(path) else None


def _read_json(path: str) -> dict[str, Any]:
    with FileSystems.open(path) as file:
        report: dict[str, Any] = json.load(file)
        return report
