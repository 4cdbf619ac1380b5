"""Files that are what they are said to be: under a digest of their own, or copied where they have one that is known."""

import shutil
from pathlib import Path

from preprocessing.base.digests import sha256_bytes, sha256_file
from preprocessing.base.file_digests import FileDigests
from preprocessing.base.places import open_file, write_file
from preprocessing.base.staging import make_whole


class DamagedError(OSError):
    """What is stored is not what was stored."""


def write_sealed(place: str, content: bytes) -> None:
    """Write a file whose first line is the sha256 of all that follows it."""
    write_file(place, f"{sha256_bytes(content)}\n".encode() + content)


def read_sealed(place: str) -> bytes:
    """The content that `write_sealed` has written. Raises OSError, DamagedError where it is another."""
    with open_file(place) as file:
        digest, _, content = file.read().partition(b"\n")
    if digest != sha256_bytes(content).encode():
        raise DamagedError(place)
    return content


def copy_file(source: Path, target: Path) -> None:
    """Copy a file of this machine; `target` is there whole or not at all.

    A copy, never a link: through a hard link a change to one artifact would change every other.
    """
    # The kernel copies: half the processor time of reading and writing.
    make_whole(target, lambda staged: shutil.copyfile(source, staged))


def copy_verified(source: Path, target: Path, expected: str, digests: FileDigests | None) -> None:
    """Copy a file, if its sha256 is `expected`; else raise DamagedError and leave no `target`.

    digests: those that are known, so that it need not be read for that.
    """
    if (digests.file(source) if digests else sha256_file(source)) != expected:
        raise DamagedError(source)
    copy_file(source, target)
    if digests:
        digests.note(target, expected)
