"""Tables in JSON: an object a line, or an array of objects."""

import codecs
import io
import json
import re
from collections.abc import Iterator
from itertools import chain
from typing import BinaryIO, cast

from preprocessing.base.json_text import parse_json
from preprocessing.base.utf8 import decoded
from preprocessing.readers.content import bounded_lines
from preprocessing.readers.decoding import why_not_utf8
from preprocessing.readers.file_names import content_ends_with
from preprocessing.readers.source_file import SourceFile
from preprocessing.readers.table_rows import Rows, TableRow
from preprocessing.records.record import Drop, Fault

_READ_AT_ONCE = 1 << 20
# Up to the end of a string, and up to what begins one or parts values.
_IN_STRING = re.compile(rb'(?s:[^"\\]++|\\.)*+"')
_OUTSIDE = re.compile(rb'[^"\[\]{},]*+["\[\]{},]')


def json_rows(source: SourceFile, file: BinaryIO, most: int) -> Rows:
    """An object a line (https://jsonlines.org), or those of an array in a `.json` file.

    Lines of white space are no rows.
    """
    if content_ends_with(source.name, ".json"):
        head = cast(io.BufferedReader, file).peek(1)
        if head.removeprefix(codecs.BOM_UTF8).lstrip().startswith(b"["):
            return _rows_of_array(source, file, most)
    if source.start:
        file.seek(source.start)
    return _rows_of_lines(source, file, b"" if source.start else codecs.BOM_UTF8, most)


def _rows_of_lines(source: SourceFile, file: BinaryIO, mark: bytes, most: int) -> Rows:
    for number, line in enumerate(bounded_lines(file, most), start=source.rows_before + 1):
        if line is None or line.removeprefix(mark).strip():
            yield _row(source, number, f"line {number}", line and line.rstrip(b"\r\n"), most)
        mark = b""
        if not source.is_whole and file.tell() >= source.stop:
            return


def _rows_of_array(source: SourceFile, file: BinaryIO, most: int) -> Rows:
    while file.read(1) != b"[":
        pass
    try:
        for number, element in enumerate(_elements(file, most), start=1):
            yield _row(source, number, f"row {number}", element, most)
    except ValueError as error:
        yield Fault(f"{source.name}: {error}")


def _row(
    source: SourceFile, number: int, place: str, data: bytes | None, most: int
) -> TableRow | Drop:
    """The row in some bytes of JSON, None for too many."""

    def drop(reason: str, detail: str) -> Drop:
        return source.row_drop(number, reason, f"{place}{detail}")

    if data is None:
        return drop("too_large", f" has more than {most} bytes, max_record_bytes")
    try:
        values = parse_json(decoded(data) if number == 1 else data.decode())
    except UnicodeDecodeError as error:
        why = why_not_utf8(data, error.start)
        return drop("not_utf8", f", byte {error.start} of it is {why}")
    except json.JSONDecodeError as error:
        return drop("not_json", f", column {error.colno}: {error.msg}")
    except ValueError as error:  # an integer too long, lists too deep
        return drop("not_json", f": {error}")
    if isinstance(values, dict):
        return TableRow(number, place, values)
    return drop("wrong_type", f" is not an object but a {type(values).__name__}")


def _elements(file: BinaryIO, most: int) -> Iterator[bytes | None]:
    """The elements of an array after its bracket, None for one of more than `most` bytes.

    They are parted by commas and brackets that are in no string, so that one that is no JSON spoils no
    other. Raises ValueError where the array does not end, or more than its end follows.
    """
    element = bytearray()
    size = depth = 0
    in_string = False
    while data := _read_on(file):
        position = kept = 0
        while found := (_IN_STRING if in_string else _OUTSIDE).match(data, position):
            position = found.end()
            mark = data[position - 1 : position]
            if mark == b'"':
                in_string = not in_string
            elif mark in b"[{":
                depth += 1
            elif depth and mark in b"]}":
                depth -= 1
            elif not depth:
                size += position - 1 - kept
                if size > most:
                    yield None
                elif content := (element + data[kept : position - 1]).strip():
                    yield bytes(content)
                if mark != b",":
                    if not _is_blank(data[position:], file):
                        raise ValueError(
                            "has more behind the end of its array; put all rows into one array, or one "
                            "into each line"
                        )
                    return
                element.clear()
                size, kept = 0, position
        size += len(data) - kept
        if size <= most:
            element += data[kept:]
    raise ValueError("ends before its array does; get the file again")


def _read_on(file: BinaryIO) -> bytes:
    """What comes next; an escape in it is whole."""
    data = file.read(_READ_AT_ONCE)
    is_cut = (len(data) - len(data.rstrip(b"\\"))) % 2
    return data + file.read(1) if is_cut else data


def _is_blank(data: bytes, file: BinaryIO) -> bool:
    """Whether some bytes, and all that follow in the file, are white space."""
    return not any(map(bytes.strip, chain([data], iter(lambda: file.read(_READ_AT_ONCE), b""))))
