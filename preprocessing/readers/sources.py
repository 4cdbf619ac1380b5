"""The sources of a corpus, which may be millions, in the memory of their names and some 40 bytes each."""

import hashlib
from array import array
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, overload

from preprocessing.base.file_state import FileState
from preprocessing.readers.source_file import SourceFile
from preprocessing.records.record import SPLITS

_SPLITS = (None, *SPLITS)
_NUMBERS = 4
_UNKNOWN = (0, 0, 0)


class Sources(Sequence[SourceFile]):
    """Sources in their order, in columns, from which the objects are made as they are asked for.

    An object takes 400 bytes. What is no whole file, or one with a drop or a companion, or of which the content's size
    is not the file's, is kept as an object. A slice, of what follows one another, looks at the same columns; only the
    whole can be extended.
    """

    def __init__(self, sources: Iterable[SourceFile] = ()) -> None:
        self._names = bytearray()  # UTF-8, each with a NUL behind it
        self._ends = array("q", [0])  # of the names, behind their NULs
        self._numbers = array("q")  # of each the size, mtime, ctime and inode
        self._splits = bytearray()  # places in _SPLITS
        self._others: dict[int, SourceFile] = {}
        self._places = range(0)
        self.extend(sources)

    def extend(self, sources: Iterable[SourceFile]) -> None:
        """Put more of them behind those that are there."""
        for place, source in enumerate(sources, start=len(self._splits)):
            name, size, split, start, stop, drop, companion, _, digest, state = source
            is_packed = state is not None and state.size != size
            if start or stop != size or drop or companion or digest or is_packed:
                self._others[place] = source
            self._names += name.encode() + b"\0"
            self._ends.append(len(self._names))
            times = state[1:] if state and not drop else _UNKNOWN
            self._numbers.extend((stop - start, *times))
            self._splits.append(_SPLITS.index(split))
        self._places = range(len(self._splits))

    def __len__(self) -> int:
        return len(self._places)

    @overload
    def __getitem__(self, place: int) -> SourceFile: ...
    @overload
    def __getitem__(self, place: slice) -> "Sources": ...
    def __getitem__(self, place: int | slice) -> "SourceFile | Sources":
        if isinstance(place, int):
            return self._source(self._places[place])
        part = Sources()
        part._names, part._ends, part._numbers = self._names, self._ends, self._numbers
        part._splits, part._others = self._splits, self._others
        part._places = self._places[place]
        return part

    def __iter__(self) -> Iterator[SourceFile]:
        return map(self._source, self._places)

    def __reduce__(self) -> tuple[Any, ...]:
        return Sources, (list(self),)

    def measures(self) -> Iterator[tuple[bytes, int, bool]]:
        """Of each the name, how many bytes are read of it, and whether it is a piece of a table."""
        others = self._others
        for place in self._places:
            is_piece = place in others and bool(others[place].digest)
            yield self._name(place), self._numbers[place * _NUMBERS], is_piece

    @property
    def size(self) -> int:
        """How many bytes are read of all."""
        return sum(self._columns()[0::_NUMBERS])

    @property
    def splits(self) -> set[str | None]:
        """The splits that they are said to have."""
        found = set(self._splits[self._places.start : self._places.stop])
        return {_SPLITS[place] for place in found}

    def fingerprint(self) -> str | None:
        """A digest of all that is known of them, None where a change of a file may not show in it.

        Sources with the same fingerprint hold the same.
        """
        others = [self._others[place] for place in self._places if place in self._others]
        numbers = self._columns()
        unknown = numbers[2::_NUMBERS].count(0)  # no file has changed at the time 0
        if unknown > sum(bool(other.drop) for other in others) or any(o.companion for o in others):
            return None
        first, behind = self._places.start, self._places.stop
        digest = hashlib.sha256(self._names[self._ends[first] : self._ends[behind]])
        digest.update(numbers)
        digest.update(self._splits[first:behind])
        digest.update(repr(others).encode())
        return digest.hexdigest()

    def _columns(self) -> "array[int]":
        return self._numbers[self._places.start * _NUMBERS : self._places.stop * _NUMBERS]

    def _name(self, place: int) -> bytes:
        return bytes(self._names[self._ends[place] : self._ends[place + 1] - 1])

    def _source(self, place: int) -> SourceFile:
        if place in self._others:
            return self._others[place]
        first = place * _NUMBERS
        size, mtime_ns, ctime_ns, inode = self._numbers[first : first + _NUMBERS]
        state = FileState(size, mtime_ns, ctime_ns, inode) if ctime_ns else None
        split = _SPLITS[self._splits[place]]
        return SourceFile(self._name(place).decode(), size, split, 0, size, state=state)
