"""Large tables in pieces, which workers share, and of which a later job reads only those that are new.

Where `.jsonl` is cut, its own lines decide: a row that is added or removed changes its piece, seldom the next one,
and none of the others. Parquet is cut between its row groups. `.csv` stays whole: whether a line's end is quoted is
only known to who has read all before it. So does what is compressed.
"""

import hashlib
import zlib
from collections.abc import Iterator
from typing import BinaryIO

import pyarrow
import pyarrow.parquet

from preprocessing.readers.arrow_rows import row_groups
from preprocessing.readers.content import READ_ERRORS
from preprocessing.readers.source_file import Corpus, SourceFile

# A piece has at least so many bytes (but the last), twice as many on average, eight times as many and a line at most.
PIECE_BYTES = 1024 * 1024
_LONGEST = 8
_READ_AT_ONCE = 1 << 20

_Piece = tuple[int, int, str]
"""Where a piece ends, how many lines or rows it has, the SHA-256 of its bytes."""


def table_pieces(source: SourceFile, corpus: Corpus, piece_bytes: int = 0) -> list[SourceFile]:
    """The sources of a whole file: itself, or of a table its pieces (of PIECE_BYTES), which are found by reading it.

    What cannot be opened stays whole: whoever reads it says what is wrong.
    """
    piece_bytes = piece_bytes or PIECE_BYTES
    if source.size <= 2 * piece_bytes or source.name in corpus.options.excluded:
        return [source]
    name = source.name.lower()
    pieces_of = next((cut for end, cut in _CUTS.items() if name.endswith(end)), None)
    if pieces_of is None:
        return [source]
    pieces, start, rows = [], 0, 0
    try:
        with corpus.open(source.name) as file:
            for stop, count, digest in pieces_of(file, source.size, piece_bytes):
                pieces.append(
                    source._replace(start=start, stop=stop, rows_before=rows, digest=digest)
                )
                start, rows = stop, rows + count
    except READ_ERRORS:
        return [source]
    return pieces or [source]


def _pieces_of_lines(file: BinaryIO, size: int, piece_bytes: int) -> Iterator[_Piece]:
    """Pieces that end where a line does: a line ends one if its CRC-32 is below a bound for its length."""
    stop = 0
    while head := file.read(piece_bytes):
        digest, lines = hashlib.sha256(head), head.count(b"\n")
        stop += len(head)
        most = stop + (_LONGEST - 1) * piece_bytes
        ended = head.endswith(b"\n")
        while line := file.readline(_READ_AT_ONCE):
            digest.update(line)
            stop += len(line)
            # What is left of the line that was cut off above decides nothing: its start depends on where we began.
            whole, ended = ended, line.endswith(b"\n")
            lines += ended
            falls = whole and zlib.crc32(line) * piece_bytes < len(line) << 32
            if ended and (falls or stop >= most):
                break
        yield stop, lines, digest.hexdigest()


def _pieces_of_groups(file: BinaryIO, size: int, piece_bytes: int) -> Iterator[_Piece]:
    """Pieces that end with a row group; none for a file that is no Parquet: whoever reads it says what is wrong."""
    try:
        groups = row_groups(pyarrow.parquet.read_metadata(file))
    except (pyarrow.ArrowException, ValueError):
        return
    begin = rows = 0
    for number, (_, count) in enumerate(groups):
        rows += count
        last = number == len(groups) - 1
        stop = size if last else groups[number + 1][0]
        if last or stop >= begin + piece_bytes:
            yield stop, rows, _digest_of(file, begin, stop)
            begin, rows = stop, 0


def _digest_of(file: BinaryIO, start: int, stop: int) -> str:
    digest = hashlib.sha256()
    file.seek(start)
    while start < stop and (data := file.read(min(_READ_AT_ONCE, stop - start))):
        digest.update(data)
        start += len(data)
    return digest.hexdigest()


_CUTS = {".jsonl": _pieces_of_lines, ".parquet": _pieces_of_groups}
