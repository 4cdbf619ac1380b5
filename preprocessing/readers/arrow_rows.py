"""Tables of Apache Arrow: Parquet, and the files that Hugging Face's `save_to_disk` writes."""

import io
import mmap
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import BinaryIO

import pyarrow
import pyarrow.parquet

from preprocessing.base.utf8 import printable
from preprocessing.readers.parquet_pages import largest_page
from preprocessing.readers.source_file import SourceFile
from preprocessing.readers.table_rows import Columns, Rows, TableRow, missing_columns
from preprocessing.records.record import Fault

_READ_AHEAD = 1 << 20
_FILE_MAGIC = b"ARROW1"

# At most so many rows are decoded at once, and fewer where pages are large: no value is larger than its page.
_ROWS_AT_ONCE = 64
_DECODED_BYTES = 64 << 20
_PAGE_BYTES = 256 << 20

_Found = tuple[int, int, pyarrow.RecordBatch]
"""A row: its number in the file, its place in a batch, the batch."""

_Find = Callable[[list[str]], Iterator[_Found]]
"""(names of columns) -> the rows with these."""


def arrow_rows(
    source: SourceFile, file: BinaryIO, columns: Columns, optional: Sequence[str], most: int
) -> Rows:
    """The rows of a Parquet file, or of a stream or a file of Arrow.

    Of Parquet a few are held at a time. A file of Arrow on this machine is mapped, and its rows are read where they
    lie; of another a batch is held (a thousand rows, as `save_to_disk` has it).
    A page of Parquet is decoded whole, so one of more than 256 MiB, or of four records of `most` bytes, is a Fault.
    """
    is_parquet = source.name.lower().endswith(".parquet")
    try:
        names, found = _parquet(source, file, most) if is_parquet else _arrow(file)
        if missing := missing_columns(source, columns, names):
            yield missing
            return
        chosen = [name for name in (*columns, *optional) if name in names]
        yield from _rows(source, chosen, found(chosen))
    except (pyarrow.ArrowException, ValueError, LookupError) as error:
        kind = "Parquet" if is_parquet else "Arrow"
        yield Fault(
            f"{source.name}: cannot be read as {kind}: {printable(str(error))}; write or download "
            "the file again"
        )


def row_groups(metadata: pyarrow.parquet.FileMetaData) -> list[tuple[int, int]]:
    """Of each row group the offset in the file of its first page, and its number of rows."""
    groups = []
    for number in range(metadata.num_row_groups):
        group = metadata.row_group(number)
        first = group.column(0)
        groups.append((first.dictionary_page_offset or first.data_page_offset, group.num_rows))
    return groups


def _rows(source: SourceFile, chosen: Sequence[str], found: Iterator[_Found]) -> Rows:
    for number, index, batch in found:
        try:
            values = {name: batch.column(name)[index].as_py() for name in chosen}
        except UnicodeDecodeError as error:
            detail = f"row {number}: {error.reason} at byte {error.start}"
            yield source.row_drop(number, "not_utf8", detail)
            continue
        yield TableRow(number, f"row {number}", values)


def _arrow(file: BinaryIO) -> tuple[list[str], _Find]:
    is_file = file.read(len(_FILE_MAGIC)) == _FILE_MAGIC
    file.seek(0)
    content: BinaryIO | pyarrow.BufferReader = file
    mapped = None
    if isinstance(file, io.BufferedReader) and isinstance(file.raw, io.FileIO):
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        content = pyarrow.BufferReader(mapped)
    reader = pyarrow.ipc.open_file(content) if is_file else pyarrow.ipc.open_stream(content)
    batches = map(reader.get_batch, range(reader.num_record_batches)) if is_file else iter(reader)
    found = _numbered(batches, 0)
    return reader.schema.names, lambda _: found if mapped is None else _while_whole(mapped, found)


def _while_whole(mapped: mmap.mmap, found: Iterator[_Found]) -> Iterator[_Found]:
    """The rows, each looked for and read while the file is as long as what was mapped of it.

    To read what was cut off meanwhile would end the process. Raises ValueError in its place.
    """
    while mapped.size() >= len(mapped):
        if (row := next(found, None)) is None:
            return
        yield row
    raise ValueError("it was cut short while it was read")


def _parquet(source: SourceFile, file: BinaryIO, most: int) -> tuple[list[str], _Find]:
    table = pyarrow.parquet.ParquetFile(file, buffer_size=_READ_AHEAD)
    return table.schema_arrow.names, partial(_in_groups, source, file, table, most)


def _in_groups(
    source: SourceFile,
    file: BinaryIO,
    table: pyarrow.parquet.ParquetFile,
    most: int,
    chosen: list[str],
) -> Iterator[_Found]:
    number = 0
    for group, (start, rows) in enumerate(row_groups(table.metadata)):
        if source.is_whole or source.start <= start < source.stop:
            page = _largest_page(file, table.metadata.row_group(group), chosen)
            if page > max(_PAGE_BYTES, 4 * most):
                raise ValueError(
                    f"a page of row group {group} has {page} bytes, too many to be held; leave values "
                    "longer than max_record_bytes out, or write smaller pages"
                )
            batches = table.iter_batches(
                max(1, min(_ROWS_AT_ONCE, _DECODED_BYTES // max(page, 1))),
                row_groups=[group],
                columns=chosen,
                use_threads=False,
            )
            yield from _numbered(batches, number)
        number += rows


def _largest_page(
    file: BinaryIO, group: pyarrow.parquet.RowGroupMetaData, chosen: Sequence[str]
) -> int:
    """Bytes of the largest page in the chosen columns of a row group."""
    columns = [group.column(index) for index in range(group.num_columns)]
    # The parts of a nested column have its name and a dot before their own; a name may have dots as well.
    begins = tuple(f"{name}." for name in chosen)
    return max(
        (
            largest_page(file, column)
            for column in columns
            if f"{column.path_in_schema}.".startswith(begins)
        ),
        default=0,
    )


def _numbered(batches: Iterator[pyarrow.RecordBatch], number: int) -> Iterator[_Found]:
    for batch in batches:
        for index in range(batch.num_rows):
            number += 1
            yield number, index, batch
