"""Tables of documents, a row each: `.jsonl`, `.csv` and `.parquet`, read as a stream."""

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, BinaryIO

import pyarrow
import pyarrow.parquet

from preprocessing.readers.compression import content_ends_with, open_content
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
    return content_ends_with(name, ".jsonl", ".csv") or name.lower().endswith(".parquet")


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
    if content_ends_with(source.name, ".jsonl"):
        return _json_rows(source, file, most)
    if content_ends_with(source.name, ".csv"):
        return csv_rows(source, file, columns, most)
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
