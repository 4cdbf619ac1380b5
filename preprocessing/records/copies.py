"""Copies: documents of a corpus with the same text, found without moving a text.

The document of a record is its first segment: the article of a story, the story of a
conversation, the whole of a text, also for a part of one that a boundary of splits cuts. So two
stories with one article are copies although their highlights differ, and two conversations about
one story although their questions do: a model that has seen the one in training has seen what the
other is to be tested with.

Copies in one split are duplicates; in several they are a leak. Texts count as the same if they
differ in nothing but white space and the ways that Unicode has to write a character, not if they
are merely similar.
"""

import hashlib
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter

from preprocessing.records.record import SPLITS, TRAIN, Drop, Place, Record

LEAK = "leak"

_WHITE_SPACE = bytes(code for code in range(128) if chr(code).isspace())


@dataclass(frozen=True)
class Copies:
    """Records of two or more documents with one text.

    places: the most held-out split first (test, validation, train), in it by id.
    """

    places: tuple[Place, ...]

    @property
    def documents(self) -> tuple[Place, ...]:
        """The first record of each document in each split; `highlight: each` makes several of one document."""
        first: dict[tuple[str, int, str], Place] = {}
        for place in self.places:
            first.setdefault((*_document(place), place.split), place)
        return tuple(first.values())

    @property
    def is_leak(self) -> bool:
        """Whether the copies are in more than one split."""
        return next(self.losers(), None) is not None

    def exposed(self) -> Iterator[Place]:
        """Every held-out record of which train has a copy: what is scored there was trained on."""
        trained = {_document(place) for place in self.places if place.split == TRAIN}
        held_out = (place for place in self.places if place.split != TRAIN)
        return (place for place in held_out if trained - {_document(place)})

    def losers(self) -> Iterator[tuple[Place, Drop]]:
        """Every record of which a copy that stays is in a more held-out split, with what becomes of it.

        The parts of one text are no copies of one another.
        """
        held_out: list[Place] = []
        for _, places in groupby(self.places, attrgetter("split")):
            stay: dict[tuple[str, int], Place] = {}
            for place in places:
                document = _document(place)
                kept = next((other for other in held_out if _document(other) != document), None)
                if kept is None:
                    stay.setdefault(document, place)
                else:
                    detail = f"the same document as {kept.id} in {kept.source}, split {kept.split}"
                    yield place, Drop(LEAK, place.source, place.id, detail)
            # Of two documents, one is another than any third.
            held_out += list(stay.values())[:2]


def document_digest(record: Record) -> bytes:
    """SHA-256 of the record's document in the Unicode form NFKC, without its white space.

    Two records have one document if their digests are equal, however their files are written.
    """
    first = record.segments[0]
    if first.ids:
        return hashlib.sha256(repr(first.ids).encode()).digest()
    return record.document or text_digest(first.text)


def text_digest(text: str) -> bytes:
    """SHA-256 of a text in the Unicode form NFKC, without its white space."""
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)  # which makes ASCII of the wider spaces
    return hashlib.sha256(text.encode().translate(None, _WHITE_SPACE)).digest()


def copies_among(records: Iterable[Place]) -> Iterator[Copies]:
    """The Copies that records with one text are, if they are of more than one document."""
    places = list(records)
    if any(_document(place) != _document(places[0]) for place in places):
        yield Copies(tuple(sorted(places, key=_order)))


def _document(place: Place) -> tuple[str, int]:
    return place.source, 0 if place.is_part else place.position


def _order(place: Place) -> tuple[int, str, str, int]:
    return -SPLITS.index(place.split), place.id, place.source, place.position
