"""Tables of documents, a row each: `.jsonl`, `.csv` and `.parquet`, read as a stream."""

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, BinaryIO

import pyarrow
import pyarrow.parquet

from preprocessing.readers.compression import content_name, open_content
from preprocessing.readers.content import OpenFile
from preprocessing.readers.decoding import printable
from preprocessing.readers.lines import bounded_lines
from preprocessing.readers.source_file import SourceFile
from preprocessing.records.record import Drop, Fault

_ROWS_AT_ONCE = 64
_READ_AHEAD = 1 << 20
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class TableRow:
    """A row of a table.

    number, place: where it is, from 1 on, and the same for a reader: `line 5` or `row 5`.
    values: what it holds, by column; of any type, and any column may be missing.
    """

    number: int
    place: str
    values: Mapping[str, Any]


Rows = Iterator[TableRow | Drop | Fault]


def is_table(name: str) -> bool:
    """Whether the file's name is that of a table."""
    return content_name(name).endswith((".jsonl", ".csv")) or name.endswith(".parquet")


def row_id(source: SourceFile, number: int) -> str:
    """The id of a row that has no better one: `<name>#<number>`."""
    return f"{source.name}#{number}"


def or_empty(source: SourceFile, rows: Rows) -> Rows:
    """The rows, or where there are none in a whole table, a Drop of it (`empty`)."""
    is_empty = source.is_whole
    for row in rows:
        is_empty = False
        yield row
    if is_empty:
        yield Drop("empty", source.name, source.name, "no row in the whole file")


@contextmanager
def open_table(
    source: SourceFile,
    open_file: OpenFile,
    columns: Sequence[str],
    optional: Sequence[str],
    most: int,
) -> Iterator[Rows]:
    """The rows of a table (see `read_table`), or where it has none at all, a Drop of it."""
    with open_content(source.name, open_file) as file:
        yield or_empty(source, read_table(source, file, columns, optional, most))


def read_table(
    source: SourceFile, file: BinaryIO, columns: Sequence[str], optional: Sequence[str], most: int
) -> Rows:
    """The rows of `file`, the content of `source`; a row that cannot be read is a Drop.

    `columns` must be there, `optional` ones may; others may be left out of the rows. Rows of more
    than `most` bytes are dropped (`too_large`) without being held. A table without one of the
    columns is a Fault. Raises READ_ERRORS.
    """
    name = content_name(source.name)
    if name.endswith(".jsonl"):
        return _json_rows(source, file, most)
    if name.endswith(".csv"):
        return _csv_rows(source, file, columns, most)
    return _parquet_rows(source, file, columns, optional)


def _json_rows(source: SourceFile, file: BinaryIO, most: int) -> Rows:
    """A JSON object a line (https://jsonlines.org); lines of white space are no rows."""
    for number, line in enumerate(_lines(source, file, most), start=source.rows_before + 1):

        def drop(reason: str, detail: str, number: int = number) -> Drop:
            return Drop(reason, source.name, row_id(source, number), f"line {number}{detail}")

        if line is None:
            yield drop("too_large", f" has more than {most} bytes, max_record_bytes")
            continue
        if number == 1:
            line = line.removeprefix(_BYTE_ORDER_MARK)
        if not line.strip():
            continue
        try:
            values = json.loads(line.rstrip(b"\r\n").decode())
        except UnicodeDecodeError as error:
            place = f", byte {error.start} of it is 0x{line[error.start]:02x}: {error.reason}"
            yield drop("not_utf8", place)
        except json.JSONDecodeError as error:
            yield drop("not_json", f", column {error.colno}: {error.msg}")
        except (ValueError, RecursionError) as error:  # an integer too long, lists too deep
            yield drop("not_json", f": {error}")
        else:
            if isinstance(values, dict):
                yield TableRow(number, f"line {number}", values)
            else:
                yield drop("wrong_type", f" is not an object but a {type(values).__name__}")


def _lines(source: SourceFile, file: BinaryIO, most: int) -> Iterator[bytes | None]:
    """The lines of a file, or of a piece that ends where a line does (see `bounded_lines`)."""
    if source.start:
        file.seek(source.start)
    for line in bounded_lines(file, most):
        yield line
        if not source.is_whole and file.tell() >= source.stop:
            return


class _TooLargeError(Exception):
    """A row of a .csv file is longer than a record may be."""


class _CsvLines:
    """The lines of a .csv file for csv.reader, which asks for more while a row goes on.

    Raises _TooLargeError when the lines of one row are more than `most` bytes together.
    """

    def __init__(self, file: BinaryIO, most: int) -> None:
        self._lines = bounded_lines(file, most)
        self._most = most
        self.number = 0
        self._row_bytes = 0

    def start_row(self) -> int:
        """Begin a new row; the number of its first line."""
        self._row_bytes = 0
        return self.number + 1

    def __iter__(self) -> "_CsvLines":
        return self

    def __next__(self) -> str:
        line = next(self._lines)
        self.number += 1
        if line is None:
            raise _TooLargeError
        self._row_bytes += len(line.rstrip(b"\r\n"))
        if self._row_bytes > self._most:
            raise _TooLargeError
        if self.number == 1:
            line = line.removeprefix(_BYTE_ORDER_MARK)
        # What is not UTF-8 may be in another column; whoever takes the value sees it.
        return line.decode("utf-8", "surrogateescape")


def _csv_rows(source: SourceFile, file: BinaryIO, columns: Sequence[str], most: int) -> Rows:
    """RFC 4180 (https://www.rfc-editor.org/rfc/rfc4180) with the columns' names in the first row."""
    # The module's own limit of 128 KiB a field is below what a document may have.
    csv.field_size_limit(max(csv.field_size_limit(), most))
    lines = _CsvLines(file, most)
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
            reader = csv.reader(lines, strict=True)
            reason, detail = problem
            if header is None:
                yield Fault(f"{source.name}: the row of column names, line 1,{detail}; correct it")
                return
            yield Drop(reason, source.name, row_id(source, number), f"line {number}{detail}")
        elif not values:
            continue
        elif header is None:
            header = values
            if missing := _missing(source, columns, header):
                yield missing
                return
        else:
            yield TableRow(number, f"line {number}", dict(zip(header, values, strict=False)))


def _parquet_rows(
    source: SourceFile, file: BinaryIO, columns: Sequence[str], optional: Sequence[str]
) -> Rows:
    """The rows of a Parquet file, of which a few at a time are held."""
    try:
        table = pyarrow.parquet.ParquetFile(file, buffer_size=_READ_AHEAD)
        found = table.schema_arrow.names
        if missing := _missing(source, columns, found):
            yield missing
            return
        chosen = [name for name in (*columns, *optional) if name in found]
        for number, index, batch in _numbered_rows(source, table, chosen):
            try:
                values = {name: batch.column(name)[index].as_py() for name in chosen}
            except UnicodeDecodeError as error:
                detail = f"row {number}: {error.reason} at byte {error.start}"
                yield Drop("not_utf8", source.name, row_id(source, number), detail)
                continue
            yield TableRow(number, f"row {number}", values)
    except (pyarrow.ArrowException, ValueError, LookupError) as error:
        yield Fault(
            f"{source.name}: cannot be read as Parquet: {printable(str(error))}; write or download "
            "the file again"
        )


def _numbered_rows(
    source: SourceFile, table: pyarrow.parquet.ParquetFile, columns: Sequence[str]
) -> Iterator[tuple[int, int, pyarrow.RecordBatch]]:
    """Each row of the source: its number in the file, its place in a batch, the batch."""
    number = 0
    for group, (start, rows) in enumerate(row_groups(table.metadata)):
        if not source.is_whole and not source.start <= start < source.stop:
            number += rows
            continue
        batches = table.iter_batches(
            _ROWS_AT_ONCE, row_groups=[group], columns=list(columns), use_threads=False
        )
        for batch in batches:
            for index in range(batch.num_rows):
                number += 1
                yield number, index, batch


def row_groups(metadata: pyarrow.parquet.FileMetaData) -> list[tuple[int, int]]:
    """Of each row group the offset in the file of its first page, and its number of rows."""
    groups = []
    for number in range(metadata.num_row_groups):
        group = metadata.row_group(number)
        first = group.column(0)
        groups.append((first.dictionary_page_offset or first.data_page_offset, group.num_rows))
    return groups


def _missing(source: SourceFile, columns: Sequence[str], found: Sequence[str]) -> Fault | None:
    """The fault that a table has not the columns that it must have."""
    missing = [name for name in columns if name not in found]
    if not missing:
        return None
    return Fault(
        f"{source.name}: no column {', '.join(missing)}; the columns are "
        f"{printable(', '.join(found[:20])) or 'none'}; rename one"
    )
