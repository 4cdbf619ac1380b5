"""Tables of documents, a row each: `.jsonl`, `.json`, `.csv`, `.parquet` and `.arrow`, read as a stream."""

import re
from collections.abc import Sequence

from preprocessing.readers.arrow_rows import arrow_rows
from preprocessing.readers.content import open_content, or_empty
from preprocessing.readers.csv_rows import csv_rows
from preprocessing.readers.file_names import content_ends_with, or_compressed
from preprocessing.readers.json_rows import json_rows
from preprocessing.readers.source_file import Corpus, SourceFile
from preprocessing.readers.table_rows import Columns, Rows

_JSON = (".jsonl", ".json")
_OWN_COMPRESSION = (".parquet", ".arrow")

# What the names of tables end in.
TABLES = (*or_compressed(*_JSON, ".csv"), *_OWN_COMPRESSION)

# What Hugging Face's `datasets` writes about tables beside them, and keeps there of what it has computed of them.
_BESIDE_TABLES = re.compile(
    r"(?:dataset_infos?|dataset_dict|state)\.json|cache-[0-9a-z]+(?:_\d+_of_\d+)?\.arrow"
)


def is_table(name: str) -> bool:
    """Whether the file's name is that of a table."""
    return name.lower().endswith(TABLES) and not _BESIDE_TABLES.fullmatch(name.rpartition("/")[2])


def table_rows(
    source: SourceFile, corpus: Corpus, columns: Columns, optional: Sequence[str]
) -> Rows:
    """The rows of a table; a row that cannot be read is a Drop, and so is a whole table without a row.

    `columns` must be there, `optional` ones may; others may be left out of the rows. Rows of more
    than `max_record_bytes` are dropped (`too_large`) without being held. A table without one of the
    columns is a Fault. Raises READ_ERRORS.
    """
    name, most = source.name.lower(), corpus.options.max_record_bytes
    with open_content(source.name, corpus.open) as file:
        if name.endswith(_OWN_COMPRESSION):
            rows = arrow_rows(source, file, columns, optional, most)
        elif content_ends_with(name, ".csv"):
            rows = csv_rows(source, file, columns, most)
        else:
            rows = json_rows(source, file, most)
        yield from or_empty(source, rows, "row")
