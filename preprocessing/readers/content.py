"""The content of files, which may be compressed with gzip or Zstandard: as a stream, at once, or line by line."""

import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO, TypeVar, cast

import pyarrow

from preprocessing.readers.file_names import is_compressed
from preprocessing.readers.source_file import OpenFile, SourceFile
from preprocessing.records.record import Drop, Fault

# What reading a file may raise: a broken or cut off stream is as good as a broken disk.
READ_ERRORS = (OSError, EOFError, zlib.error)

_READ_AT_ONCE = 1 << 16
_SKIPPED_AT_ONCE = 1 << 20

_Found = TypeVar("_Found")


@contextmanager
def open_content(name: str, open_file: OpenFile) -> Iterator[BinaryIO]:
    """The content of the file that `open_file` opens, decompressed as it is read; one of Zstandard cannot seek.

    Nothing is decompressed that is not asked for, so that a small file which would become a huge
    one does no harm to who reads it in portions. Opening and reading raise READ_ERRORS.
    """
    with open_file(name) as file:
        if name.lower().endswith(".gz"):
            with gzip.GzipFile(fileobj=file) as content:
                yield cast(BinaryIO, content)
        elif name.lower().endswith(".zst"):
            # zstandard's own reader takes a file that was cut off for one that has ended.
            stream = pyarrow.CompressedInputStream(file, "zstd")
            with io.BufferedReader(stream, _READ_AT_ONCE) as content:
                yield content
        else:
            yield file


def read_piece(source: SourceFile, open_file: OpenFile) -> bytes | Fault:
    """The bytes of a source whose size is known, or a Fault where it is another. Raises READ_ERRORS."""
    # One byte more than expected at the end of the file, to notice if it grew.
    most = source.stop - source.start + (source.stop == source.size)
    data = read_at(open_file, source.name, source.start, most)
    if len(data) != source.stop - source.start:
        return Fault(
            f"{source.name}: changed its size while the corpus was read; run again when nothing "
            "changes the corpus"
        )
    return data


def read_at(open_file: OpenFile, name: str, start: int, most: int) -> bytes:
    """At most `most` bytes of a file's content from `start` on. Raises READ_ERRORS."""
    with open_content(name, open_file) as file:
        if file.seekable():
            file.seek(start)
        else:
            while skipped := file.read(min(start, _SKIPPED_AT_ONCE)):
                start -= len(skipped)
        return file.read(most)


def read_file(source: SourceFile, open_file: OpenFile, most: int) -> bytes | Fault | None:
    """The content of a whole file, None where it was compressed and has more than `most` bytes.

    Of a compressed file no more is decompressed than that. Raises READ_ERRORS.
    """
    if not is_compressed(source.name):
        return read_piece(source, open_file)
    with open_content(source.name, open_file) as file:
        data = file.read(most + 1)
    return data if len(data) <= most else None


def or_empty(source: SourceFile, found: Iterator[_Found], kind: str) -> Iterator[_Found | Drop]:
    """What is found in a file, or where it is whole and there is nothing, a Drop of it (`empty`).

    kind: what is looked for, a `row` or a `document`.
    """
    is_empty = source.is_whole
    for each in found:
        is_empty = False
        yield each
    if is_empty:
        yield Drop("empty", source.name, source.name, f"no {kind} in the whole file")


def bounded_lines(file: BinaryIO, max_bytes: int) -> Iterator[bytes | None]:
    r"""Each line of `file` with its line end, or None for one of more than `max_bytes` bytes.

    The line end does not count. A line that is too long is read past in portions, so that no more
    than about `max_bytes` (or 1 MiB) are ever held. With `max_bytes` 3:

    >>> import io
    >>> list(bounded_lines(io.BytesIO(b"abc\r\nabcd\n\nab"), 3))
    [b'abc\r\n', None, b'\n', b'ab']
    """
    while line := file.readline(max_bytes + 2):
        fits = len(line.rstrip(b"\r\n")) <= max_bytes
        last = line
        while last and not last.endswith(b"\n"):
            last = file.readline(_SKIPPED_AT_ONCE)
            fits = fits and not last
        yield line if fits else None
