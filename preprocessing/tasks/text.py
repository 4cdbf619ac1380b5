"""Plain text as records: a file, the part of one that lies in a split, or a table's row is one."""

from collections.abc import Iterator

from preprocessing.base.digests import sha256_bytes, sha256_text
from preprocessing.options import CorpusOptions
from preprocessing.readers.decoding import decode_text
from preprocessing.readers.row_values import texts_of
from preprocessing.readers.source_file import SourceFile
from preprocessing.readers.tables import Rows, TableRow, row_id
from preprocessing.records.record import Drop, Outcome, Record, Segment, assign_split


def parse(source: SourceFile, data: bytes, options: CorpusOptions, seed: int) -> Iterator[Outcome]:
    """The record of one piece of a text file: `<name>`, or `<name>@<byte offset>` if it was cut.

    A piece of nothing but white space is dropped (`empty`), so is one with NUL bytes
    (`nul_bytes`) or in another encoding (`not_utf8`).
    """
    record_id = source.name if source.is_whole else f"{source.name}@{source.start}"
    text = decode_text(data, source, record_id)
    if isinstance(text, Drop):
        yield text
    elif not text.strip():
        yield Drop("empty", source.name, record_id, f"{len(data)} bytes without a character")
    else:
        yield Record(
            id=record_id,
            source=source.name,
            position=source.start,
            digest=sha256_bytes(data),
            split=source.split or assign_split(record_id, options.split_fractions, seed),
            segments=(Segment(text, in_loss=True),),
        )


def columns(options: CorpusOptions) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The columns that a table must have, and those that it may have."""
    return (options.text_column,), ()


def parse_rows(
    source: SourceFile, rows: Rows, options: CorpusOptions, seed: int
) -> Iterator[Outcome]:
    """The record of each row of a table, `<name>#<number>`, or why there is none.

    The reasons are those of `row_values`, and `empty` for a text of nothing but white space.
    """
    for row in rows:
        if not isinstance(row, TableRow):
            yield row
            continue
        texts = texts_of(row, (options.text_column,), source, options.max_record_bytes)
        if isinstance(texts, Drop):
            yield texts
            continue
        (text,) = texts
        record_id = row_id(source, row.number)
        if not text.strip():
            detail = f"{row.place}: {options.text_column} has no character"
            yield Drop("empty", source.name, record_id, detail)
            continue
        yield Record(
            id=record_id,
            source=source.name,
            position=row.number,
            digest=sha256_text(text),
            split=source.split or assign_split(record_id, options.split_fractions, seed),
            segments=(Segment(text, in_loss=True),),
        )
