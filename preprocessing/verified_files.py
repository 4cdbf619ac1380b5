"""Copies of files that are what they are said to be, on any file system that Beam knows."""

import hashlib
from typing import BinaryIO

from apache_beam.io.filesystem import CompressionTypes
from apache_beam.io.filesystems import FileSystems

from preprocessing.atomic_files import write_atomically

_CHUNK_BYTES = 1024 * 1024


class DamagedError(Exception):
    """What is stored is not what was stored."""


def open_file(path: str) -> BinaryIO:
    """The file, opened for binary reading, whatever its name ends in."""
    return FileSystems.open(path, compression_type=CompressionTypes.UNCOMPRESSED)


def file_digest(path: str) -> str:
    """The sha256 of a file, read as a stream."""
    digest = hashlib.sha256()
    with open_file(path) as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def copy_verified(source: str, target: str, expected: str) -> None:
    """Copy a file, if its sha256 is `expected`; else raise DamagedError and leave no `target`.

    A copy, never a link: through a hard link a change to one artifact would change every other.
    """
    write_atomically(target, lambda file: _copy(source, file, expected))


def _copy(source: str, target: BinaryIO, expected: str) -> None:
    digest = hashlib.sha256()
    with open_file(source) as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
            target.write(chunk)
    if digest.hexdigest() != expected:
        raise DamagedError(source)
