"""`SHA256SUMS` of a pushed version: every file of it with its digest, as `sha256sum --check` reads it too."""

import re
from collections.abc import Callable, Iterator, Mapping, Set
from pathlib import Path
from typing import NamedTuple

from preprocessing.base.digests import combine, sha256_text
from preprocessing.base.errors import InputError
from serving.versions import ADDED_LATER

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


class DifferingFile(NamedTuple):
    """A file that is not what is stated: `found` is empty for a missing one, `stated` for one too many."""

    name: str
    stated: str
    found: str


def differing_files(
    folder: Path, hashed: Callable[[Set[Path]], Mapping[Path, str]] | None = None
) -> Iterator[DifferingFile]:
    """What of a version's files is not what it states, in order.

    hashed: gives the SHA-256 of files; None has every file that is there taken for what it should be.
    Raises InputError where the version does not state its files.
    """
    stated, present = read_checksums(folder), dict(files_of_version(folder))
    files = {name: path for name, path in present.items() if not path.is_symlink()}
    if hashed is None:
        found = {name: stated.get(name, "not looked at") for name in files}
    else:
        digests = hashed(set(files.values()))
        found = {name: digests[path] for name, path in files.items()}
    for name in sorted({*stated, *present} - {CHECKSUMS, *ADDED_LATER}):
        actual = found.get(name, "a symbolic link" if name in present else "")
        if actual != stated.get(name, ""):
            yield DifferingFile(name, stated.get(name, ""), actual)


def stated_digest(folder: Path) -> str:
    """The digest of a version by the files that it states: that of its PushedModel in the metadata store.

    Raises InputError where it does not state them.
    """
    stated = read_checksums(folder)
    return combine({**stated, CHECKSUMS: sha256_text(as_checksums(stated))})


def files_of_version(folder: Path) -> Iterator[tuple[str, Path]]:
    """(relative posix name, path) of every file and link in a folder, hidden ones too, in order."""
    for path in sorted(folder.rglob("*")):
        if path.is_symlink() or not path.is_dir():
            yield path.relative_to(folder).as_posix(), path


def _is_beneath(name: str) -> bool:
    return not name.startswith("/") and not {"", ".", ".."} & set(name.split("/"))
