"""Files that may be compressed with gzip or Zstandard: their names, and their content as a stream."""

import gzip
import io
import os
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import BinaryIO, cast

COMPRESSED = (".gz", ".zst")

# What reading a file may raise: a broken or cut off stream is as good as a broken disk.
READ_ERRORS = (OSError, EOFError, zlib.error)

_READ_AT_ONCE = 1 << 16


def is_compressed(name: str) -> bool:
    """Whether the file's name says that its content is compressed."""
    return name.lower().endswith(COMPRESSED)


def content_name(name: str) -> str:
    """The name without the suffix of compression.

    >>> content_name("a/b.jsonl.gz"), content_name("a/B.JSONL.ZST"), content_name("a/b.jsonl")
    ('a/b.jsonl', 'a/B.JSONL', 'a/b.jsonl')
    """
    return os.path.splitext(name)[0] if is_compressed(name) else name


def content_ends_with(name: str, *suffixes: str) -> bool:
    """Whether the name without the suffix of compression ends in one of these, in small letters or in capitals."""
    return content_name(name).lower().endswith(suffixes)


@contextmanager
def open_content(name: str, open_file: Callable[[str], BinaryIO]) -> Iterator[BinaryIO]:
    """The content of the file that `open_file` opens, decompressed as it is read; one of Zstandard cannot seek.

    Nothing is decompressed that is not asked for, so that a small file which would become a huge
    one does no harm to who reads it in portions. Opening and reading raise READ_ERRORS.
    """
    with open_file(name) as file:
        if name.lower().endswith(".gz"):
            with gzip.GzipFile(fileobj=file) as content:
                yield cast(BinaryIO, content)
        elif name.lower().endswith(".zst"):
            import pyarrow  # whoever asks for a name alone need not wait for it

            # zstandard's own reader takes a file that was cut off for one that has ended.
            stream = pyarrow.CompressedInputStream(file, "zstd")
            with io.BufferedReader(stream, _READ_AT_ONCE) as content:
                yield content
        else:
            yield file
