"""What the names of a corpus' files say."""

import re

from preprocessing.readers.compression import COMPRESSED

# The words by which Hugging Face's `datasets` knows a split, too.
_SPLIT_WORD = re.compile(
    r"(?<![a-z])(?:(train|training)|(validation|valid|val|dev)|(test|testing|eval|evaluation))(?![a-z])"
)
_SPLIT_OF_GROUP = {1: "train", 2: "validation", 3: "test"}


def or_compressed(*suffixes: str) -> tuple[str, ...]:
    """The suffixes, and each with those of compression."""
    return tuple(suffix + end for suffix in suffixes for end in ("", *COMPRESSED))


def split_by_name(name: str) -> str | None:
    """The split that a file's name says in a word, or else that of the nearest folder which is called so.

    A folder may have a suffix: what Dask and Spark write as `train.parquet` is a folder of parts.

    >>> split_by_name("3.0.0/train-00000-of-00003.parquet"), split_by_name("news_dev.jsonl.gz")
    ('train', 'validation')
    >>> split_by_name("test/latest.jsonl"), split_by_name("the-test/latest.jsonl")
    ('test', None)
    >>> split_by_name("train.parquet/part.0.parquet"), split_by_name("eval.csv")
    ('train', 'test')
    """
    *folders, file = name.lower().split("/")
    called = (_SPLIT_WORD.fullmatch(folder.split(".")[0]) for folder in reversed(folders))
    found = [_SPLIT_WORD.search(file), *called]
    return next((_SPLIT_OF_GROUP[match.lastindex or 0] for match in found if match), None)
