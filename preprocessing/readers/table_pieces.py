"""Large tables in pieces, so that several workers share one.

`.jsonl` is cut at ends of lines, Parquet between its row groups. `.csv` stays whole: whether a line's
end is quoted is only known to who has read all before it. So does what is compressed.
"""

from collections.abc import Iterator
from pathlib import Path

import pyarrow
import pyarrow.parquet

from preprocessing.options import CorpusOptions
from preprocessing.readers.listing import split_by_name
from preprocessing.readers.source_file import SourceFile
from preprocessing.readers.tables import row_group_starts

PIECE_BYTES = 64 * 1024 * 1024
_READ_AT_ONCE = 1 << 20


def table_pieces(
    folder: Path, name: str, size: int, options: CorpusOptions, piece_bytes: int = PIECE_BYTES
) -> list[SourceFile]:
    """The sources of a table of `size` bytes: itself, or pieces of about `piece_bytes`.

    The pieces of a .jsonl file are found by reading it once.
    """
    starts = [(0, 0)]
    if size > piece_bytes and name not in options.excluded:
        if name.endswith(".jsonl"):
            starts += _line_starts(folder / name, piece_bytes)
        elif name.endswith(".parquet"):
            starts += ((start, 0) for start in _group_starts(folder / name, piece_bytes))
    stops = [*(start for start, _ in starts[1:]), size]
    split = split_by_name(name)
    return [
        SourceFile(name, size, split, start, stop, lines_before=lines)
        for (start, lines), stop in zip(starts, stops, strict=True)
    ]


def _line_starts(path: Path, piece_bytes: int) -> Iterator[tuple[int, int]]:
    """Where the second and further pieces start, and how many lines are before."""
    position = lines = last = 0
    with path.open("rb") as file:
        while data := file.read(_READ_AT_ONCE):
            counted = 0
            while (newline := data.find(b"\n", max(counted, last + piece_bytes - position))) >= 0:
                lines += data.count(b"\n", counted, newline + 1)
                counted = newline + 1
                last = position + counted
                yield last, lines
            lines += data.count(b"\n", counted)
            position += len(data)


def _group_starts(path: Path, piece_bytes: int) -> Iterator[int]:
    """Where the second and further pieces start; none for a file that is no Parquet."""
    try:
        starts = row_group_starts(pyarrow.parquet.read_metadata(path))
    except (pyarrow.ArrowException, OSError, ValueError):  # whoever reads it says what is wrong
        return
    last = 0
    for start in starts[1:]:
        if start >= last + piece_bytes:
            last = start
            yield start
