"""Tables in JSON: an object a line, or an array of objects."""

import io
import json
import re
from collections.abc import Iterator
from typing import BinaryIO, cast

from preprocessing.readers.content import bounded_lines
from preprocessing.readers.decoding import why_not_utf8
from preprocessing.readers.file_names import content_ends_with
from preprocessing.readers.source_file import SourceFile
from preprocessing.readers.table_rows import Rows, TableRow
from preprocessing.records.record import Drop, Fault

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_READ_AT_ONCE = 1 << 20
_IN_STRING = re.compile(rb'["\\]')
_OUTSIDE = re.compile(rb'["\[\]{},]')


def json_rows(source: SourceFile, file: BinaryIO, most: int) -> Rows:
    """An object a line (https://jsonlines.org), or those of an array in a `.json` file.

    Lines of white space are no rows.
    """
    if content_ends_with(source.name, ".json"):
        head = cast(io.BufferedReader, file).peek(1)
        if head.removeprefix(_BYTE_ORDER_MARK).lstrip().startswith(b"["):
            return _rows_of_array(source, file, most)
    if source.start:
        file.seek(source.start)
    return _rows_of_lines(source, file, b"" if source.start else _BYTE_ORDER_MARK, most)


def _rows_of_lines(source: SourceFile, file: BinaryIO, mark: bytes, most: int) -> Rows:
    for number, line in enumerate(bounded_lines(file, most), start=source.rows_before + 1):
        if line is None or (content := line.removeprefix(mark)).strip():
            yield _row(source, number, f"line {number}", line and content.rstrip(b"\r\n"), most)
        mark = b""
        if not source.is_whole and file.tell() >= source.stop:
            return


def _rows_of_array(source: SourceFile, file: BinaryIO, most: int) -> Rows:
    while file.read(1) != b"[":
        pass
    try:
        for number, element in enumerate(_elements(file, most), start=1):
            yield _row(source, number, f"row {number}", element, most)
    except EOFError:
        yield Fault(f"{source.name}: ends before its array does; get the file again")
    except _BehindError:
        yield Fault(
            f"{source.name}: has more behind the end of its array; put all rows into one array, or one "
            "into each line"
        )


def _row(
    source: SourceFile, number: int, place: str, data: bytes | None, most: int
) -> TableRow | Drop:
    """The row in some bytes of JSON, None for too many."""

    def drop(reason: str, detail: str) -> Drop:
        return source.row_drop(number, reason, f"{place}{detail}")

    if data is None:
        return drop("too_large", f" has more than {most} bytes, max_record_bytes")
    try:
        values = json.loads(data.decode())
    except UnicodeDecodeError as error:
        why = why_not_utf8(data, error.start)
        return drop("not_utf8", f", byte {error.start} of it is {why}")
    except json.JSONDecodeError as error:
        return drop("not_json", f", column {error.colno}: {error.msg}")
    except (ValueError, RecursionError) as error:  # an integer too long, lists too deep
        return drop("not_json", f": {error}")
    if isinstance(values, dict):
        return TableRow(number, place, values)
    return drop("wrong_type", f" is not an object but a {type(values).__name__}")


class _BehindError(Exception):
    """There is something behind the end of an array."""


def _elements(file: BinaryIO, most: int) -> Iterator[bytes | None]:
    """The elements of an array after its bracket, None for one of more than `most` bytes.

    They are parted by commas and brackets that are in no string, so that one that is no JSON spoils no
    other. Raises EOFError where the array does not end, _BehindError where more than its end follows.
    """
    element = bytearray()
    size = depth = 0
    in_string = escaped = False
    while data := file.read(_READ_AT_ONCE):
        position = kept = 0
        while position < len(data):
            if escaped:
                position, escaped = position + 1, False
                continue
            found = (_IN_STRING if in_string else _OUTSIDE).search(data, position)
            if found is None:
                break
            position = found.end()
            mark = found[0]
            if mark == b"\\":
                escaped = True
            elif mark == b'"':
                in_string = not in_string
            elif mark in b"[{":
                depth += 1
            elif depth and mark in b"]}":
                depth -= 1
            elif not depth:
                element += data[kept : found.start()]
                size += found.start() - kept
                if size > most:
                    yield None
                elif content := bytes(element.strip()):
                    yield content
                if mark != b",":
                    rest = data[position:]
                    while not rest.strip():
                        rest = file.read(_READ_AT_ONCE)
                        if not rest:
                            return
                    raise _BehindError
                element.clear()
                size, kept = 0, position
        size += len(data) - kept
        if size <= most:
            element += data[kept:]
        else:
            element.clear()
    raise EOFError
