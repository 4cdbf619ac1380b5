"""Articles and summaries in two files, line by line: the layout of the published system outputs.

harvardnlp's release (https://github.com/harvardnlp/sent-summary) has `test.txt.src`, an article a
line, and `test.txt.tgt.tagged`, its summary in the line of the same number, each sentence between
`<t>` and `</t>`.
"""

import re
from itertools import zip_longest
from typing import BinaryIO

from preprocessing.readers.content import bounded_lines, open_content
from preprocessing.readers.decoding import why_not_utf8
from preprocessing.readers.source_file import Corpus, SourceFile
from preprocessing.readers.table_rows import Rows, TableRow, or_empty
from preprocessing.records.record import Drop, Fault

ARTICLES = ".txt.src"
SUMMARIES = ".txt.tgt.tagged"

# What `pair_rows` calls what it reads; no table has named it.
PAIR_COLUMNS = {"article": "", "highlights": ""}

_TAG = re.compile(r"</?t>")
_ENDED = b""


def pair_rows(source: SourceFile, corpus: Corpus) -> Rows:
    """The rows of a pair of files (see `_rows`), or where it has none at all, a Drop of it. Raises READ_ERRORS."""
    assert source.companion is not None
    names = source.name, source.companion.name
    most = corpus.options.max_record_bytes
    with (
        open_content(names[0], corpus.open) as articles,
        open_content(names[1], corpus.open) as summaries,
    ):
        yield from or_empty(source, _rows(names, articles, summaries, most))


def _rows(names: tuple[str, str], articles: BinaryIO, summaries: BinaryIO, most: int) -> Rows:
    """A row with `id`, `article` and `highlights` (a sentence a line) for each line of the two files of these names.

    The id is the line's number, so that the records, sorted by id, are in the order of the release
    and of what was published about it. A line that is too long (`too_large`) or not UTF-8
    (`not_utf8`) drops its row; files of different length are a Fault.
    """
    both = zip_longest(
        bounded_lines(articles, most), bounded_lines(summaries, most), fillvalue=_ENDED
    )
    for number, (article, summary) in enumerate(both, start=1):
        identity = f"{names[0]}#{number:06d}"
        if _ENDED in (article, summary):
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
            values = {"article": article.decode().strip(), "highlights": summary.decode()}
        except UnicodeDecodeError as error:
            found = f"byte 0x{error.object[error.start]:02x}"
            detail = f"line {number}: {found}: {why_not_utf8(error.object, error.start)}"
            yield Drop("not_utf8", names[0], identity, detail)
            continue
        values["highlights"] = "\n".join(_TAG.split(values["highlights"]))
        yield TableRow(number, f"line {number}", values | {"id": identity})
