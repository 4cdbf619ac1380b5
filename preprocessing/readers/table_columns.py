"""Which columns tables have, told by the first row of each: by these a task knows what may be a corpus of its own."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice

from preprocessing.readers.content import READ_ERRORS
from preprocessing.readers.listing import CorpusFiles
from preprocessing.readers.source_file import Corpus, SourceFile
from preprocessing.readers.table_rows import Rows, TableRow
from preprocessing.readers.tables import TABLES, is_table, table_rows

# So many tables of a folder are looked into, and of each so many rows that cannot be read: those of a corpus are alike.
_TABLES, _ROWS = 16, 100


def first_tables(files: CorpusFiles) -> Iterator[SourceFile]:
    """The first tables of a corpus, by name."""
    found = files.find(TABLES, recursive=True)
    return islice((file for file in found if is_table(file.name)), _TABLES)


def columns_of_tables(
    files: CorpusFiles, corpus: Corpus, names: Sequence[str]
) -> Iterator[frozenset[str]]:
    """Which of these columns each of the first tables has; none where it cannot be read."""
    for file in first_tables(files):
        yield columns_of(table_rows(file, corpus, {}, names)) & frozenset(names)


def columns_of(rows: Rows) -> frozenset[str]:
    """The columns of the first row that can be read; none where there is no such row."""
    try:
        for row in islice(rows, _ROWS):
            if isinstance(row, TableRow):
                return frozenset(row.values) if isinstance(row.values, Mapping) else frozenset()
    except READ_ERRORS:
        pass
    return frozenset()
