"""The unit that a worker reads, and what it is read with."""

from collections.abc import Callable
from typing import BinaryIO, NamedTuple

from preprocessing.base.file_state import FileState
from preprocessing.options import CorpusOptions
from preprocessing.records.record import Drop, Fault, assign_split

OpenFile = Callable[[str], BinaryIO]
"""(name of a file of the corpus) -> the file, opened."""


class Corpus(NamedTuple):
    """What the sources of a corpus are read with."""

    open: OpenFile
    options: CorpusOptions
    seed: int = 0


class SourceFile(NamedTuple):
    """A file of a corpus, or a piece of one: the unit that a worker reads.

    A named tuple, since a corpus has hundreds of thousands: a data class takes three times as long to make.

    name: posix path relative to the corpus' folder.
    size: bytes in the whole file; of a `.txt.gz` those of its content.
    split: the split of all its records, None where each record's id decides.
    start, stop: the bytes to read; all of the file except for `.txt`, `.txt.gz` and large tables.
    drop: if set, the file is not read, only counted, as this says.
    companion: a second file with a line for each line of the first, if there is one.
    rows_before: of a piece of a table, how many of its lines or rows are before it.
    digest: of a piece of a table, SHA-256 of its bytes.
    state: as what the listing has found the file (`file_state`), None if it did not say.
    """

    name: str
    size: int
    split: str | None
    start: int
    stop: int
    drop: Drop | Fault | None = None
    companion: "SourceFile | None" = None
    rows_before: int = 0
    digest: str = ""
    state: FileState | None = None

    @classmethod
    def whole(cls, name: str, size: int, state: FileState | None = None) -> "SourceFile":
        """A whole file."""
        return cls(name, size, None, 0, size, state=state)

    @property
    def is_whole(self) -> bool:
        """Whether this is the file and not a piece of it."""
        return self.start == 0 and self.stop == self.size

    def split_of(self, record_id: str, corpus: Corpus) -> str:
        """The split of a record: that of the source, or else by a hash of its id."""
        return self.split or assign_split(record_id, corpus.options.split_fractions, corpus.seed)

    def row_id(self, number: int) -> str:
        """The name of a row or document that has no better one."""
        return f"{self.name}#{number}"

    def row_drop(self, number: int, reason: str, detail: str) -> Drop:
        """The drop of a row or document, by its `row_id`."""
        return Drop(reason, self.name, self.row_id(number), detail)
