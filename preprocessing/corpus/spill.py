"""Spill files: where records wait on disk while Beam's shuffle sorts the places of their bytes.

    reader --bytes--> spill file                 reader --places--> shuffle --places--> writer
                          |___________________bytes of one shard___________________________^

Beam's runners in this process and its children hold what they shuffle in memory, and every runner
pickles it or more. What is shuffled is a place for each shard that a reader has records of, however
many these are. All workers share the folder, as they share that of the outputs, in which it is. A
bundle that is tried twice writes a file each time; only the places of one of them are read.
"""

import uuid
from collections.abc import Iterable, Iterator
from itertools import groupby
from types import TracebackType
from typing import BinaryIO, NamedTuple

from apache_beam.io.filesystem import CompressionTypes
from apache_beam.io.filesystems import FileSystems

from preprocessing.base.verified_files import open_file

# Hidden, so that no pattern for data matches it.
_FOLDER = ".spill"


class Spilled(NamedTuple):
    """Where bytes wait: `size` of them from `offset` of a file."""

    file: str
    offset: int
    size: int


class SpillWriter:
    """A new spill file in a folder; there from the first bytes on, complete when it is left."""

    def __init__(self, folder: str) -> None:
        self._path = FileSystems.join(folder, uuid.uuid4().hex)
        self._file: BinaryIO | None = None
        self._offset = 0

    def __enter__(self) -> "SpillWriter":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()

    def write(self, data: bytes) -> Spilled:
        """Append bytes; returns their place."""
        if self._file is None:
            self._file = FileSystems.create(
                self._path, compression_type=CompressionTypes.UNCOMPRESSED
            )
        self._file.write(data)
        place = Spilled(self._path, self._offset, len(data))
        self._offset += len(data)
        return place


def read_spilled(places: Iterable[Spilled]) -> Iterator[bytes]:
    """The bytes at the places, in the order of files and offsets; one file is open at a time."""
    for path, in_file in groupby(sorted(places), key=lambda place: place.file):
        with open_file(path) as file:
            for place in in_file:
                file.seek(place.offset)
                yield file.read(place.size)


def spill_folder(outputs: str) -> str:
    """The folder of the spill files of the job that writes to `outputs`."""
    return FileSystems.join(outputs, _FOLDER)


def remove_spills(folder: str) -> None:
    """Remove the folder with what is in it, if it is there."""
    if FileSystems.exists(folder):
        FileSystems.delete([folder])
