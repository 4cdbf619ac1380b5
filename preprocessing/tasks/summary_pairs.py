"""Articles and summaries in two files, line by line: the layout of the published system outputs.

harvardnlp's release (https://github.com/harvardnlp/sent-summary) has `test.txt.src`, an article a
line, and `test.txt.tgt.tagged`, its summary in the line of the same number, each sentence between
`<t>` and `</t>`.
"""

import re
from itertools import zip_longest
from typing import BinaryIO

from preprocessing.readers.content import bounded_lines, open_content, or_empty
from preprocessing.readers.decoding import why_not_utf8
from preprocessing.readers.source_file import Corpus, SourceFile
from preprocessing.readers.table_rows import Columns, Rows, TableRow
from preprocessing.records.record import Drop, Fault

ARTICLES = ".txt.src"
SUMMARIES = ".txt.tgt.tagged"

_TAG = re.compile(r"</?t>")
_ENDED = b""


def pair_rows(source: SourceFile, corpus: Corpus, columns: Columns) -> Rows:
    """A row with `id`, article and highlights (a sentence a line) for each line of the two files of a source.

    The id is the line's number, so that the records, sorted by id, are in the order of the release
    and of what was published about it. A line that is too long (`too_large`) or not UTF-8
    (`not_utf8`) drops its row; files of different length are a Fault, and without a line a Drop of them. Raises
    READ_ERRORS.

    columns: what article and highlights are called in the rows.
    """
    assert source.companion is not None
    names = source.name, source.companion.name
    with (
        open_content(names[0], corpus.open) as articles,
        open_content(names[1], corpus.open) as summaries,
    ):
        rows = _rows(names, (articles, summaries), columns, corpus.options.max_record_bytes)
        yield from or_empty(source, rows, "row")


def _rows(
    names: tuple[str, str], files: tuple[BinaryIO, BinaryIO], columns: Columns, most: int
) -> Rows:
    lines = (bounded_lines(file, most) for file in files)
    for number, both in enumerate(zip_longest(*lines, fillvalue=_ENDED), start=1):
        article, summary = both
        identity = f"{names[0]}#{number:06d}"
        if _ENDED in both:
            ended = names[article != _ENDED]
            yield Fault(
                f"{names[0]} and {names[1]}: {ended} ends before line {number} and the "
                "other does not; they belong together line by line, get both again"
            )
            return
        if article is None or summary is None:
            name = names[article is not None]
            detail = f"line {number} of {name} has more than {most} bytes, max_record_bytes"
            yield Drop("too_large", names[0], identity, detail)
            continue
        try:
            texts = article.decode().strip(), "\n".join(_TAG.split(summary.decode()))
        except UnicodeDecodeError as error:
            detail = f"line {number}: byte {why_not_utf8(error.object, error.start)}"
            yield Drop("not_utf8", names[0], identity, detail)
            continue
        values = dict(zip(columns, texts, strict=True))
        yield TableRow(number, f"line {number}", values | {"id": identity})
