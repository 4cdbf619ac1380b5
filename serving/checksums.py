"""`SHA256SUMS` of a pushed version: every file of it with its digest, as `sha256sum --check` reads it too."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from preprocessing.base.errors import InputError

CHECKSUMS = "SHA256SUMS"
# Coreutils write a name with a backslash or a line end in a form of its own; no file of a version has one.
_LINE = re.compile(r"([0-9a-f]{64})  ([^\\\n]+)")


def as_checksums(digests: Mapping[str, str]) -> str:
    """The file's text. digests: relative posix name -> SHA-256 in hex."""
    return "".join(f"{digest}  {name}\n" for name, digest in sorted(digests.items()))


def read_checksums(folder: Path) -> dict[str, str]:
    """Name -> SHA-256 of a version's files. Raises InputError where the file is not there, or names what is outside."""
    path = folder / CHECKSUMS
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"{folder}: not a pushed model that states its files: {CHECKSUMS} cannot be read ({error})."
        ) from error
    found: dict[str, str] = {}
    for number, line in enumerate(lines, 1):
        match = _LINE.fullmatch(line)
        if match is None or not _is_beneath(match[2]) or match[2] in found:
            raise InputError(
                f"{path}, line {number}: not `SHA-256  NAME` of one more file: {line!r}"
            )
        found[match[2]] = match[1]
    return found


def files_of_version(folder: Path) -> Iterator[tuple[str, Path]]:
    """(relative posix name, path) of every file and link in a folder, hidden ones too, in order."""
    for path in sorted(folder.rglob("*")):
        if path.is_symlink() or not path.is_dir():
            yield path.relative_to(folder).as_posix(), path


def _is_beneath(name: str) -> bool:
    return not name.startswith("/") and not {"", ".", ".."} & set(name.split("/"))
