"""Copies of files that are what they are said to be, on any file system that Beam knows."""

import hashlib
import shutil
from pathlib import Path

from preprocessing.base.file_digests import FileDigests
from preprocessing.base.places import is_local, open_file, write_file
from preprocessing.base.staging import make_whole

_CHUNK_BYTES = 1024 * 1024


class DamagedError(Exception):
    """What is stored is not what was stored."""


def file_digest(path: str, digests: FileDigests | None) -> str:
    """The sha256 of a file; a local one is read only if its stat is not what is remembered."""
    return digests.file(Path(path)) if digests and is_local(path) else stream_digest(path)


def stream_digest(path: str) -> str:
    """The sha256 of a file, read as a stream."""
    digest = hashlib.sha256()
    with open_file(path) as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def copy_file(source: str, target: str) -> None:
    """Copy a file; `target` is there whole or not at all.

    A copy, never a link: through a hard link a change to one artifact would change every other.
    """
    if is_local(source) and is_local(target):
        # The kernel copies: half the processor time of reading and writing.
        make_whole(Path(target), lambda staged: shutil.copyfile(source, staged))
    else:
        with open_file(source) as file:
            write_file(target, file.read())


def copy_verified(
    source: str, target: str, expected: str, digests: FileDigests | None = None
) -> None:
    """Copy a file, if its sha256 is `expected`; else raise DamagedError and leave no `target`."""
    if file_digest(source, digests) != expected:
        raise DamagedError(source)
    copy_file(source, target)
    if digests and is_local(target):
        digests.note(Path(target), expected)
