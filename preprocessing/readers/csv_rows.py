"""Tables with commas between the values: RFC 4180 (https://www.rfc-editor.org/rfc/rfc4180)."""

import codecs
import csv
import re
from collections.abc import Iterator
from typing import BinaryIO

from preprocessing.readers.decoding import decode_text
from preprocessing.readers.source_file import SourceFile
from preprocessing.readers.table_rows import Columns, Rows, TableRow, missing_columns
from preprocessing.records.record import Drop, Fault

_READ_AT_ONCE = 1 << 18

# Fields and what is between them, a quote in quotes as the end of one and the start of another; then a field without
# quotes that goes on or ends the row, and the row's end or a quote that is not closed.
_ROW = re.compile(rb'(?:"[^"]*+"|[^",\n][^,\n]*+,|,)*+([^",\n][^,\n]*+)?([\n"]?)')


def csv_rows(source: SourceFile, file: BinaryIO, columns: Columns, most: int) -> Rows:
    """The rows below the first, which names the columns.

    One that is too long or is not written by the rules costs all its lines, up to the line end that is
    not in quotes: what stands in a document is no row. A quote that is never closed is a Fault: who counted
    it as one row would not miss all that are behind it.
    """
    # The module's own limit of 128 KiB a field is below what a document may have.
    csv.field_size_limit(max(csv.field_size_limit(), most))
    header: list[str] | None = None
    for number, place, row, is_closed in _bounded_rows(file, most):
        if not is_closed:
            yield Fault(
                f"{source.name}, line {number}: opens a quote that is never closed; close it, or get the "
                "file again if it was cut off"
            )
            return
        values = _values(row, most, header)
        if isinstance(values, tuple):
            reason, detail = values
            if header is None:
                yield Fault(
                    f"{source.name}, line {number}, the row of column names{detail}; correct it"
                )
                return
            yield source.row_drop(number, reason, f"line {number}{detail}")
        elif values and header is not None:
            yield TableRow(number, f"line {number}", dict(zip(header, values, strict=False)))
        elif values:
            header = values
            if missing := missing_columns(source, columns, header):
                begin = source._replace(start=place)
                yield _fault_of_header(begin, number, row or b"", header) or missing
                return


def _values(row: bytes | None, most: int, header: list[str] | None) -> list[str] | tuple[str, str]:
    """The values of a row, none where it is an empty line; or the reason and the detail why they cannot be told."""
    if row is None:
        return "too_large", f" has more than {most} bytes, max_record_bytes"
    # What is not UTF-8 may be in another column; whoever takes the value sees it.
    text = row.decode("utf-8", "surrogateescape")
    try:
        (values,) = csv.reader([text], strict=True)
    except csv.Error as error:
        return "not_csv", f": {error}"
    if header is not None and any(values[len(header) :]):
        detail = f": {len(values)} values for {len(header)} columns; quote what holds commas"
        return "not_csv", detail
    return values


def _fault_of_header(
    source: SourceFile, number: int, line: bytes, header: list[str]
) -> Fault | None:
    """What else than a wrong name may be why a column is missing: another encoding, or other marks than commas."""
    text = decode_text(line, source, "")
    if isinstance(text, Drop):
        return Fault(f"{source.name}: {text.detail}")
    if len(header) == 1 and (mark := re.search(r"[;\t|]", header[0])):
        return Fault(
            f"{source.name}, line {number}: {mark[0]!r} stands between the names of columns; save it with commas"
        )
    return None


def _bounded_rows(file: BinaryIO, most: int) -> Iterator[tuple[int, int, bytes | None, bool]]:
    """Of each row the number of its first line, where in the file it begins, its lines, and whether it ends.

    One that a quote opens and nothing closes goes on to the file's end.

    Lines are None where they are more than `most` bytes, without the last line end; of these no more are held than
    that and what is read at once.
    """
    number = first = 1
    before, is_long = 0, False  # bytes of the file before `data`
    data = file.read(_READ_AT_ONCE)
    start = len(codecs.BOM_UTF8) if data.startswith(codecs.BOM_UTF8) else 0
    while True:
        row = _ROW.match(data, start)
        assert row is not None  # also of nothing
        if row[2] == b"\n":
            yield first, before + start, _fitting(row[0], is_long, most), True
            number += row[0].count(b"\n")
            first, start, is_long = number, row.end(), False
            continue
        lines = data[start:]
        if len(lines) > most + 2:  # two bytes more for the line end
            is_long = True
            number += lines.count(b"\n")
            # Behind these, a row goes on as it does behind the whole.
            lines = row[2] or (b"x" if row[1] else b"")
        more = file.read(max(_READ_AT_ONCE, len(lines)))
        if not more:
            break
        before += len(data) - len(lines)
        data, start = lines + more, 0
    if lines or is_long:
        yield first, before + start, _fitting(lines, is_long, most), row[2] != b'"'


def _fitting(lines: bytes, is_long: bool, most: int) -> bytes | None:
    """The lines of a row, None where they or those before them are too many."""
    return None if is_long or len(lines.rstrip(b"\r\n")) > most else lines
