"""What one record means for others: ids that occur twice, copies, leaks. Settled over the whole corpus.

    hashes of all records --which occur twice--> their entries --> Settlement: new ids, and records to leave out

Of each record 16 bytes are looked at; the entry is read of those alone whose id or document may occur again.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from preprocessing.corpus.report import Tally
from preprocessing.options import OnLeak
from preprocessing.records.copies import copies_among
from preprocessing.records.ids import is_content_id, numbered
from preprocessing.records.index import IndexEntry
from preprocessing.records.record import SPLITS, Drop, Place

_HASHES_BYTES = 16

DUPLICATE_ID = "duplicate_id"

Amendment = str | Drop
"""What becomes of a record because of others: a new id, or a drop."""


class Member(NamedTuple):
    """A record of the corpus: the number of its portion, its place in the reading, and its entry."""

    portion: int
    ordinal: int
    entry: IndexEntry


@dataclass
class Settlement:
    """amendments: by portion and by a record's place in its reading. tally: the copies."""

    amendments: dict[int, dict[int, Amendment]] = field(default_factory=dict)
    tally: Tally = field(default_factory=Tally)

    @classmethod
    def of(cls, members: Iterable[Member], on_leak: OnLeak) -> "Settlement":
        """Settle all records whose id or document another has, and any others."""
        settlement = cls()
        settlement._settle_copies(settlement._settle_ids(members), on_leak)
        return settlement

    def _amend(self, member: Member, amendment: Amendment) -> None:
        self.amendments.setdefault(member.portion, {})[member.ordinal] = amendment

    def _settle_ids(self, members: Iterable[Member]) -> list[Member]:
        """The members that stay, each with an id of its own.

        Of records without a name that are made of the same content the second and further ones are numbered. Of
        others with one id the most held-out one stays, or the first, and the others are drops.
        """
        by_id = defaultdict(list)
        for member in members:
            by_id[member.entry.place.id].append(member)
        kept = []
        for record_id, group in by_id.items():
            first, *others = sorted(group, key=lambda member: _order(member.entry.place))
            kept.append(first)
            for number, member in enumerate(others, start=2):
                if is_content_id(record_id, member.entry.digest):
                    new = numbered(record_id, number)
                    self._amend(member, new)
                    kept.append(member._replace(entry=member.entry.named(new)))
                else:
                    place = first.entry.place
                    detail = f"also the id of position {place.position} of {place.source}"
                    drop = Drop(DUPLICATE_ID, member.entry.place.source, record_id, detail)
                    self._amend(member, drop)
        return kept

    def _settle_copies(self, members: Iterable[Member], on_leak: OnLeak) -> None:
        """Count the copies, and leave out what leaks where that is asked for."""
        by_document = defaultdict(list)
        for member in members:
            by_document[member.entry.document].append(member)
        for group in by_document.values():
            by_place = {member.entry.place: member for member in group}
            for copies in copies_among(by_place):
                self.tally.add(copies)
                if on_leak != "drop":
                    self.tally.exposed.update(place.split for place in copies.exposed())
                    continue
                for place, drop in copies.losers():
                    self._amend(by_place[place], drop)


def repeated(hashes: Mapping[int, bytes]) -> Iterator[tuple[int, list[int]]]:
    """Of each portion the places of the records whose id or document has a hash that occurs more than once.

    hashes: of the records of each portion (see `Summary`).
    """
    if not hashes:
        return
    tables = [np.frombuffer(own, np.uint64).reshape(-1, 2) for own in hashes.values()]
    columns = (np.concatenate([table[:, column] for table in tables]) for column in range(2))
    found = np.logical_or(*map(_occurs_again, columns))
    start = 0
    for portion, own in hashes.items():
        stop = start + len(own) // _HASHES_BYTES
        if ordinals := np.flatnonzero(found[start:stop]).tolist():
            yield portion, ordinals
        start = stop


def _occurs_again(values: np.ndarray) -> np.ndarray:
    """Which of the values occur more than once; by less memory than np.unique takes."""
    order = np.argsort(values)
    in_order = values[order]
    equal = in_order[1:] == in_order[:-1]
    again = np.zeros(len(values), bool)
    again[order[1:][equal]] = True
    again[order[:-1][equal]] = True
    return again


def _order(place: Place) -> tuple[int, str, int]:
    return -SPLITS.index(place.split), place.source, place.position
