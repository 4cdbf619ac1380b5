"""Files that may be compressed with gzip: their names, and their content as a stream."""

import gzip
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import BinaryIO, cast

COMPRESSED = ".gz"

# What reading a file may raise: a broken or cut off gzip stream is as good as a broken disk.
READ_ERRORS = (OSError, EOFError, zlib.error)


def is_compressed(name: str) -> bool:
    """Whether the file's name says that its content is compressed."""
    return name.endswith(COMPRESSED)


def content_name(name: str) -> str:
    """The name without the suffix of compression.

    >>> content_name("a/b.jsonl.gz"), content_name("a/b.jsonl")
    ('a/b.jsonl', 'a/b.jsonl')
    """
    return name.removesuffix(COMPRESSED)


@contextmanager
def open_content(name: str, open_file: Callable[[str], BinaryIO]) -> Iterator[BinaryIO]:
    """The content of the file that `open_file` opens, decompressed as it is read.

    Nothing is decompressed that is not asked for, so that a small file which would become a huge
    one does no harm to who reads it in portions. Opening and reading raise READ_ERRORS.
    """
    with open_file(name) as file:
        if is_compressed(name):
            with gzip.GzipFile(fileobj=file) as content:
                yield cast(BinaryIO, content)
        else:
            yield file
