"""Plain text as records: a file, the part of one that lies in a split, or a table's row is one."""

import codecs
import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import chain
from typing import BinaryIO

from preprocessing.base.digests import sha256_bytes, sha256_text
from preprocessing.options import CorpusOptions
from preprocessing.readers.content import open_content, or_empty, read_piece
from preprocessing.readers.decoding import decode_text, normalise_line_ends
from preprocessing.readers.source_file import Corpus, SourceFile
from preprocessing.readers.table_rows import Columns, Rows, TableRow, texts_of
from preprocessing.readers.tables import is_table, table_rows
from preprocessing.readers.token_archives import archived_ids, is_archive
from preprocessing.records.copies import text_digest
from preprocessing.records.ids import content_id
from preprocessing.records.record import Drop, Outcome, Record, Segment
from preprocessing.tasks.task import Task
from preprocessing.tasks.text_files import cut_texts, list_texts, look_into_text, recognise_texts

# The end of a line as Windows, old Macs and all others write it. What has taken the first half of one gives none back.
_LINE_END = rb"(?>\r\n?|\n)"
_READ_AT_ONCE = 1 << 20


def read(source: SourceFile, corpus: Corpus) -> Iterator[Outcome]:
    """What becomes of a text or a piece of one, of a table or an archive of ids. Raises READ_ERRORS."""
    if is_table(source.name):
        rows = table_rows(source, corpus, _columns(corpus.options), ())
        yield from parse_rows(source, rows, corpus)
    elif is_archive(source.name):
        with corpus.open(source.name) as file:
            yield from or_empty(source, parse_archive(source, file, corpus), "document")
    elif (separator := corpus.options.document_separator) is not None:
        with open_content(source.name, corpus.open) as file:
            documents = parse_documents(source, file, separator, corpus)
            yield from or_empty(source, documents, "document")
    else:
        data = read_piece(source, corpus.open)
        if not isinstance(data, bytes):
            yield data
            return
        outcome = parse(source, data, corpus)
        if isinstance(outcome, Record) and (whole := _whole_of(source, corpus)):
            outcome = replace(outcome, document=text_digest(whole))
        yield outcome


def _whole_of(source: SourceFile, corpus: Corpus) -> str | None:
    """The text of a whole file, of which the source is a piece and which another file may hold uncut."""
    if source.is_whole or source.size > corpus.options.max_record_bytes:
        return None
    whole = source._replace(start=0, stop=source.size)
    data = read_piece(whole, corpus.open)
    text = decode_text(data, whole, source.name) if isinstance(data, bytes) else None
    return text if isinstance(text, str) else None


def parse(source: SourceFile, data: bytes, corpus: Corpus) -> Record | Drop:
    """The record of a text file, which has its name, or of one piece of it.

    A piece of nothing but white space is dropped (`empty`), so is one with NUL bytes
    (`nul_bytes`) or in another encoding (`not_utf8`).
    """
    digest = sha256_bytes(data)
    name = source.name if source.is_whole else ""
    text = _text(source, data, name or content_id(digest))
    if isinstance(text, Drop):
        return text
    record = _record(source, source.start, digest, text, corpus, name)
    return replace(record, continues=source.stop if source.stop < source.size else 0)


def parse_documents(
    source: SourceFile, file: BinaryIO, separator: str, corpus: Corpus
) -> Iterator[Outcome]:
    """The record of each document of a text file, or why there is none.

    The reasons are those of `parse`, and `too_large`.
    """
    most = corpus.options.max_record_bytes
    for number, (start, data) in enumerate(read_documents(file, separator.encode(), most), start=1):
        if data is None:
            detail = f"the document at byte {start} has more than {most} bytes, max_record_bytes"
            yield source.row_drop(number, "too_large", detail)
            continue
        text = _text(source._replace(start=start), data, source.row_id(number))
        if isinstance(text, Drop):
            yield text
        else:
            yield _record(source, start, sha256_bytes(data), text, corpus)


def parse_archive(source: SourceFile, file: BinaryIO, corpus: Corpus) -> Iterator[Outcome]:
    """The record of each document of an archive of ids, or why there is none: see `archived_ids`."""
    for found in archived_ids(source, file, corpus.options.max_record_bytes):
        if not isinstance(found, tuple):
            yield found
            continue
        number, ids = found
        digest = sha256_bytes(ids.astype("<i4").tobytes())
        yield _record(source, number, digest, tuple(ids.tolist()), corpus)


def parse_rows(source: SourceFile, rows: Rows, corpus: Corpus) -> Iterator[Outcome]:
    """The record of each row of a table, or why there is none.

    The reasons are those of `texts_of`, and `empty` for a text of nothing but white space.
    """
    options = corpus.options
    for row in rows:
        if not isinstance(row, TableRow):
            yield row
            continue
        texts = texts_of(row, _columns(options), source, options.max_record_bytes)
        if isinstance(texts, Drop):
            yield texts
            continue
        (text,) = texts
        if not text.strip():
            detail = f"{row.place}: {options.text_column} has no character"
            yield source.row_drop(row.number, "empty", detail)
            continue
        yield _record(source, row.number, sha256_text(text), text, corpus)


def _text(source: SourceFile, data: bytes, record_id: str) -> str | Drop:
    """The text in some bytes, if it has a character."""
    text = decode_text(data, source, record_id)
    if isinstance(text, str) and not text.strip():
        return Drop("empty", source.name, record_id, f"{len(data)} bytes without a character")
    return text


def _record(
    source: SourceFile,
    position: int,
    digest: str,
    text: str | tuple[int, ...],
    corpus: Corpus,
    name: str = "",
) -> Record:
    """The record of a text, or of one in ids; where it has no name, its id is of its content."""
    record_id = name or content_id(digest)
    split = source.split_of(record_id, corpus)
    segment = Segment(text, in_loss=True) if isinstance(text, str) else Segment("", True, ids=text)
    return Record(record_id, source.name, position, digest, split, (segment,))


def _columns(options: CorpusOptions) -> Columns:
    return {options.text_column: "corpus.text_column"}


_Document = tuple[int, bytes | None]
"""The place of a document's first byte in its file; the document's bytes, None where they are too many."""


def read_documents(file: BinaryIO, separator: bytes, most: int) -> Iterator[_Document]:
    r"""The documents between separators, without the line ends around them; empty ones are none.

    A newline in the separator, like one in a text, is the end of a line of whatever system.
    Of one with more than `most` bytes no more is held than these and what is read at once (1 MiB).

    >>> import io
    >>> file = io.BytesIO(b"One\n<|endoftext|>\n\n<|endoftext|>\nTwo\n")
    >>> [(start, data) for start, data in read_documents(file, b"<|endoftext|>", 10)]
    [(0, b'One'), (33, b'Two')]
    """
    lines = re.split(rb"\r\n?|\n", separator)
    pattern = re.compile(_LINE_END.join(map(re.escape, lines)))
    first = file.read(len(codecs.BOM_UTF8))
    start = len(first) if first == codecs.BOM_UTF8 else 0
    held = bytearray()
    skipped = searched = 0
    for data in chain([first[start:]], iter(lambda: file.read(_READ_AT_ONCE), b"")):
        held += data
        while found := pattern.search(held, searched):
            if document := _document(start, skipped, bytes(held[: found.start()]), most):
                yield document
            start += skipped + found.end()
            del held[: found.end()]
            skipped = searched = 0
        # A separator may have come in part, each of its line ends as two bytes.
        searched = max(0, len(held) - len(separator) - len(lines) + 2)
        if searched > most + _READ_AT_ONCE:
            del held[:searched]
            skipped, searched = skipped + searched, 0
    if document := _document(start, skipped, bytes(held), most):
        yield document


def _document(start: int, skipped: int, data: bytes, most: int) -> _Document | None:
    """What stands between two separators, of which the first bytes may have been skipped."""
    if skipped:
        return start, None
    content = data.strip(b"\r\n")
    if not content:
        return None
    start += data.index(content)
    return start, content if len(content) <= most else None


def prompt(text: str) -> tuple[Segment, ...]:
    """The prompt that a text goes on from."""
    return (Segment(normalise_line_ends(text), in_loss=False),)


TASK = Task(
    name="text",
    corpora="`.txt` files, WikiText's files, tables with a text a row, or `.npz` of token ids",
    recognise=recognise_texts,
    list_files=list_texts,
    read=read,
    prompt=prompt,
    stop=(),
    new_tokens=48,
    loss_on="all",
    over_long="split",
    look=look_into_text,
    cut=cut_texts,
)
