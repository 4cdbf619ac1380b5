"""How many there are of something, and the first few of them: what a report says of a corpus of any size.

What is counted in parts comes to the same in whatever order the parts are merged.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from heapq import nsmallest
from typing import Any, Generic, TypeVar

from preprocessing.records.record import Drop

MOST = 20

_Kind = TypeVar("_Kind", bound=Any)


@dataclass(order=True)
class Firsts(Generic[_Kind]):
    """first: the MOST least of them, in order. count: how many there are."""

    first: list[_Kind] = field(default_factory=list)
    count: int = 0

    def add(self, *found: _Kind) -> None:
        """Count each of these."""
        self.merge(Firsts(list(found), len(found)))

    def merge(self, other: "Firsts[_Kind]") -> None:
        """Count what another has counted."""
        self.count += other.count
        self.first = nsmallest(MOST, [*self.first, *other.first])

    def report(self, *names: str) -> dict[str, Any]:
        """The count, and the first by the names of their fields."""
        shown = [dict(zip(names, each, strict=True)) for each in self.first]
        return {"count": self.count, "first": shown}


@dataclass
class Drops:
    """Dropped documents by reason, each as its id, source and detail."""

    by_reason: dict[str, Firsts[tuple[str, str, str]]] = field(default_factory=dict)

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> "Drops":
        """From the values that `asdict` gives, also through JSON."""
        return cls({reason: firsts_of(each) for reason, each in values["by_reason"].items()})

    @property
    def count(self) -> int:
        """All of them."""
        return sum(each.count for each in self.by_reason.values())

    def add(self, drop: Drop) -> None:
        """Count a drop."""
        self._of(drop.reason).add((drop.id, drop.source, drop.detail))

    def merge(self, other: "Drops") -> None:
        """Count what others have counted."""
        for reason, found in other.by_reason.items():
            self._of(reason).merge(found)

    def report(self) -> dict[str, Any]:
        """By reason how many there are, and the first."""
        return {
            reason: self.by_reason[reason].report("id", "source", "detail")
            for reason in sorted(self.by_reason)
        }

    def _of(self, reason: str) -> Firsts[tuple[str, str, str]]:
        return self.by_reason.setdefault(reason, Firsts())


def firsts_of(values: Mapping[str, Any]) -> Firsts[Any]:
    """From the values that `asdict` gives, also through JSON."""
    return Firsts([tuple(each) for each in values["first"]], values["count"])
