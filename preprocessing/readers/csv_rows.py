"""Tables with commas between the values: RFC 4180 (https://www.rfc-editor.org/rfc/rfc4180)."""

import csv
import re
from typing import BinaryIO

from preprocessing.readers.decoding import decode_text
from preprocessing.readers.source_file import SourceFile
from preprocessing.readers.table_rows import Columns, Rows, TableRow, missing_columns
from preprocessing.records.record import Drop, Fault

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_SKIPPED_AT_ONCE = 1 << 20

# A place in a row is where a field or the rest of one behind its quotes begins, or in one without quotes, or in quotes;
# each with what ends it.
_START, _BARE, _QUOTED = range(3)
_ENDS = (re.compile(rb"(?s:.)"), re.compile(rb"[,\n]"), re.compile(rb'"'))


def csv_rows(source: SourceFile, file: BinaryIO, columns: Columns, most: int) -> Rows:
    """The rows below the first, which names the columns.

    One that is too long or is not written by the rules costs all its lines, up to the line end that is
    not in quotes: what stands in a document is no row. A quote that is never closed is a Fault: who counted
    it as one row would not miss all that are behind it.
    """
    # The module's own limit of 128 KiB a field is below what a document may have.
    csv.field_size_limit(max(csv.field_size_limit(), most))
    lines = _Lines(file, most)
    header: list[str] | None = None
    reader = csv.reader(lines, strict=True)
    while True:
        number = lines.start_row()
        problem = None
        try:
            values = next(reader)
        except StopIteration:
            break
        except _TooLargeError:
            problem = ("too_large", f" has more than {most} bytes, max_record_bytes")
        except csv.Error as error:
            problem = ("not_csv", f": {error}")
        if problem is not None:
            if not lines.skip_row():
                yield Fault(
                    f"{source.name}, line {number}: opens a quote that is never closed; close it, or get the "
                    "file again if it was cut off"
                )
                return
            reader = csv.reader(lines, strict=True)
            reason, detail = problem
            if header is None:
                yield Fault(
                    f"{source.name}, line {number}, the row of column names{detail}; correct it"
                )
                return
            yield source.row_drop(number, reason, f"line {number}{detail}")
        elif not values:
            continue
        elif header is None:
            header = values
            if missing := missing_columns(source, columns, header):
                yield _fault_of_header(source, lines.row, header) or missing
                return
        elif any(values[len(header) :]):
            detail = f": {len(values)} values for {len(header)} columns; quote what holds commas"
            yield source.row_drop(number, "not_csv", f"line {number}{detail}")
        else:
            yield TableRow(number, f"line {number}", dict(zip(header, values, strict=False)))


def _fault_of_header(source: SourceFile, line: bytes, header: list[str]) -> Fault | None:
    """What else than a wrong name may be why a column is missing: another encoding, or other marks than commas."""
    text = decode_text(line, source, "")
    if isinstance(text, Drop):
        return Fault(f"{source.name}: {text.detail}")
    if len(header) == 1 and (mark := re.search(r"[;\t|]", header[0])):
        return Fault(
            f"{source.name}, line 1: {mark[0]!r} stands between the names of columns; save it with commas"
        )
    return None


class _TooLargeError(Exception):
    """A row is longer than a record may be."""


class _Lines:
    """The lines of a file for csv.reader, which asks for more while a row goes on.

    Raises _TooLargeError when the lines of one row are more than `most` bytes together.
    """

    def __init__(self, file: BinaryIO, most: int) -> None:
        self._file = file
        self._most = most
        self._number = 0
        self._row: list[bytes] = []
        self._row_bytes = 0

    def start_row(self) -> int:
        """Begin a new row; the number of its first line."""
        self._row = []
        self._row_bytes = 0
        return self._number + 1

    @property
    def row(self) -> bytes:
        """The lines of the row so far."""
        return b"".join(self._row)

    def skip_row(self) -> bool:
        """Read past what is left of the row; whether it has an end, and no quote goes on to that of the file."""
        place = _START
        for line in self._row:
            place = _place_after(line, place)
        last = self._row[-1]
        while not last.endswith(b"\n") or place == _QUOTED:
            self._number += last.endswith(b"\n")
            last = self._file.readline(_SKIPPED_AT_ONCE)
            if not last:
                return place != _QUOTED
            place = _place_after(last, place)
        return True

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        # Two bytes more for the line end: what is cut off here is too long.
        line = self._file.readline(self._most + 2)
        if not line:
            raise StopIteration
        self._number += 1
        self._row.append(line)
        self._row_bytes += len(line.rstrip(b"\r\n"))
        if self._row_bytes > self._most:
            raise _TooLargeError
        if self._number == 1:
            line = line.removeprefix(_BYTE_ORDER_MARK)
        # What is not UTF-8 may be in another column; whoever takes the value sees it.
        return line.decode("utf-8", "surrogateescape")


def _place_after(data: bytes, place: int) -> int:
    """The place after `data` in a row, where it begins at `place`."""
    position = 0
    while found := _ENDS[place].search(data, position):
        position = found.end()
        if place == _START and found[0] == b'"':
            place = _QUOTED
        elif place == _START and found[0] not in b",\n":
            place = _BARE
        else:
            place = _START
    return place
