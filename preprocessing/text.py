"""Plain text as records: a file, or the part of one that lies in a split, is one record."""

from collections.abc import Iterator

from preprocessing.decoding import decode_text
from preprocessing.digests import sha256_bytes
from preprocessing.options import CorpusOptions
from preprocessing.records import Drop, Outcome, Record, Segment, assign_split
from preprocessing.sources import SourceFile


def parse(source: SourceFile, data: bytes, options: CorpusOptions, seed: int) -> Iterator[Outcome]:
    """The record of one piece of a text file: `<name>`, or `<name>@<byte offset>` if it was cut.

    A piece of nothing but white space is dropped (`empty`), so is one with NUL bytes
    (`nul_bytes`) or in another encoding (`not_utf8`).
    """
    is_whole = source.start == 0 and source.stop == source.size
    record_id = source.name if is_whole else f"{source.name}@{source.start}"
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
