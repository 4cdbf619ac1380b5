"""What every kind of table is read to, and what a task takes out of a row: texts and ids, checked."""

import re
import reprlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from preprocessing.base.utf8 import printable
from preprocessing.readers.decoding import normalise_line_ends, why_not_utf8
from preprocessing.readers.source_file import SourceFile
from preprocessing.records.record import TEXT_SHOWN, Drop, Fault

# Halves of surrogate pairs that stand for no byte.
_LONE = re.compile("[\ud800-\udc7f\udd00-\udfff]")


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


def texts_of(
    row: TableRow, columns: Columns, source: SourceFile, most: int, lists: bool = False
) -> tuple[str, ...] | Drop:
    """The texts in the columns, with `\\n` line ends; with `lists`, one may be a list of lines.

    A Drop where a column is missing (`missing_key`), is no text (`wrong_type`), holds half a
    surrogate pair (`lone_surrogate`), bytes that were not UTF-8 (`not_utf8`) or NUL (`nul_bytes`),
    or where all together are more than `most` bytes (`too_large`).
    """

    def drop(reason: str, detail: str) -> Drop:
        found = source.row_drop(row.number, reason, f"{row.place}{detail}")
        return found.beginning(_legible(row.values))

    texts: list[str] = []
    size = 0
    for name, key in columns.items():
        if name not in row.values:
            found = ", ".join(map(repr, list(row.values)[:8])) or "nothing"
            remedy = f"; {key} names another" if key else ""
            return drop("missing_key", printable(f" has no {name!r}, found {found}{remedy}"))
        text = _joined(row.values[name]) if lists else row.values[name]
        if not isinstance(text, str):
            return drop("wrong_type", f": {name} must be a text, got {_shown(text)}")
        size += len(text)
        try:
            if size <= most:
                size += len(text.encode()) - len(text)
        except UnicodeEncodeError as error:
            # Python's decoder writes a byte that it cannot decode as U+DC80 to U+DCFF; JSON's
            # escapes can write these characters too, so that the reason may be the other one.
            if "\udc80" <= text[error.start] <= "\udcff":
                data = _LONE.sub("?", text).encode("utf-8", "surrogateescape")
                why = why_not_utf8(data, len(text[: error.start].encode()))
                return drop("not_utf8", f": {name} holds the byte {why}")
            return drop("lone_surrogate", f": {name} holds half a surrogate pair")
        if size > most:
            return drop("too_large", f" has more than {most} bytes, max_record_bytes")
        if "\0" in text:
            return drop("nul_bytes", f": {name} holds the character NUL")
        texts.append(normalise_line_ends(text))
    return tuple(texts)


def _legible(values: Mapping[str, object]) -> str:
    return "\n".join(f"{name}: {str(value)[:TEXT_SHOWN]}" for name, value in values.items())


def _joined(value: object) -> object:
    """A list of texts, or of lists of them, as lines; anything else as it is."""
    texts: list[str] = []
    waiting = [value]
    while waiting:
        part = waiting.pop()
        if part == []:
            texts.append("")
        elif isinstance(part, list):
            waiting += reversed(part)
        elif isinstance(part, str):
            texts.append(part)
        else:
            return value
    return "\n".join(texts)


def id_of(row: TableRow, source: SourceFile) -> str | Drop | None:
    """The row's `id`, a text or a whole number; None where it has none."""
    value = row.values.get("id")
    if value is None or value == "":
        return None
    if not isinstance(value, str | int) or isinstance(value, bool):
        detail = f"{row.place}: id must be a text or a whole number, got {_shown(value)}"
        return source.row_drop(row.number, "wrong_type", detail)
    identity = str(value)
    if identity != printable(identity):
        detail = f"{row.place}: id holds what is no character; write it in UTF-8"
        return source.row_drop(row.number, "wrong_type", detail)
    return identity


def _shown(value: object) -> str:
    return printable(reprlib.repr(value))
