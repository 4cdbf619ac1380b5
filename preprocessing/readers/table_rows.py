"""What every kind of table is read to."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from preprocessing.readers.decoding import printable
from preprocessing.readers.source_file import SourceFile
from preprocessing.records.record import Drop, Fault


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

Columns = Mapping[str, str]
"""The columns that a table must have, each with the key of the configuration that names it, if one does."""


def or_empty(source: SourceFile, rows: Rows) -> Rows:
    """The rows, or where there are none in a whole table, a Drop of it (`empty`)."""
    is_empty = source.is_whole
    for row in rows:
        is_empty = False
        yield row
    if is_empty:
        yield Drop("empty", source.name, source.name, "no row in the whole file")


def missing_columns(source: SourceFile, columns: Columns, found: Sequence[str]) -> Fault | None:
    """The fault that a table has not the columns that it must have, with what can be done."""
    missing = [name for name in columns if name not in found]
    if not missing:
        return None
    keys = [columns[name] for name in missing if columns[name]]
    remedy = f"set {' and '.join(keys)} to the name of one of them" if keys else "rename one"
    return Fault(
        f"{source.name}: no column {', '.join(missing)}; the columns are "
        f"{printable(', '.join(found[:20])) or 'none'}; {remedy}"
    )
