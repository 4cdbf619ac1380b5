"""Files that may be compressed with gzip or Zstandard: their names, and their content as a stream."""

import gzip
import io
import os
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO, cast

import zstandard

COMPRESSED = (".gz", ".zst")

# What reading a file may raise: a broken or cut off stream is as good as a broken disk.
READ_ERRORS = (OSError, EOFError, zlib.error, zstandard.ZstdError)

# A block of Zstandard has at most 128 KiB and four bytes at least: so much is decompressed at once at most, 32 MiB.
_ZSTANDARD_READ_AT_ONCE = 1 << 10
_WINDOW_BYTES = 1 << 27


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
    """The content of the file that `open_file` opens, decompressed as it is read.

    Nothing is decompressed that is not asked for, so that a small file which would become a huge
    one does no harm to who reads it in portions. Opening and reading raise READ_ERRORS.
    """
    with open_file(name) as file:
        if name.lower().endswith(".gz"):
            with gzip.GzipFile(fileobj=file) as content:
                yield cast(BinaryIO, content)
        elif name.lower().endswith(".zst"):
            with io.BufferedReader(_Zstandard(file)) as content:
                yield cast(BinaryIO, content)
        else:
            yield file


class _Zstandard(io.RawIOBase):
    """The content of a file of frames of Zstandard; to seek backward is to begin again.

    Not the library's own reader, which takes a file that was cut off for one that has ended.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._frame: Any = None
        self._left = b""
        # A view, since what is left of some MiB is not to be copied for each few KiB that are read.
        self._content = memoryview(b"")
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._content:
            data = self._left or self._file.read(_ZSTANDARD_READ_AT_ONCE)
            if not data:
                if self._frame is not None:
                    raise EOFError("a frame of Zstandard ends before its end")
                return 0
            if self._frame is None:
                self._frame = zstandard.ZstdDecompressor(
                    max_window_size=_WINDOW_BYTES
                ).decompressobj()
            self._content, self._left = memoryview(self._frame.decompress(data)), b""
            if self._frame.eof:
                self._left, self._frame = self._frame.unused_data, None
        count = min(len(buffer), len(self._content))
        buffer[:count] = self._content[:count]
        self._content = self._content[count:]
        self._position += count
        return count

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        target = offset if whence == os.SEEK_SET else self._position + offset
        if whence == os.SEEK_END:
            raise io.UnsupportedOperation("the end is known to who has read all before it")
        if target < self._position:
            self._file.seek(0)
            self._frame, self._left, self._content, self._position = None, b"", memoryview(b""), 0
        while self._position < target and self.readinto(
            bytearray(min(target - self._position, io.DEFAULT_BUFFER_SIZE))
        ):
            pass
        return self._position

    def tell(self) -> int:
        return self._position
