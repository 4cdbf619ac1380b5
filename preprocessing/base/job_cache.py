"""What jobs remember for later ones, in one folder of this machine.

    file_digests.sqlite   sha256 of files by their stat (see `file_digests`)
    corpus/               what the last corpus job has read of each portion (see `corpus.memory`)
    shards/<digest>/      tokenised shards (see `tokens.shard_store`)

It decides how much a job has to do, never what comes out: without it, everything is made anew. So what is kept is
under the digest of all that it follows from, and counts only where it is what was written.
"""

import os
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from preprocessing.base.digests import combine, sha256_bytes, sha256_file, sha256_json, sha256_text
from preprocessing.base.file_digests import FileDigests
from preprocessing.base.import_walk import code_digest
from preprocessing.base.places import open_file, write_file
from preprocessing.base.staging import make_whole

# The environment variable that names the folder to the nodes. Not a parameter: a path among the
# parameters of a node would change its key.
JOB_CACHE_VARIABLE = "GPT2_TFX_JOB_CACHE"

# The file in the folder of the corpus job's memory that says in which artifact its shards are.
PORTIONS_FILE = "portions"


@dataclass(frozen=True)
class JobCache:
    """The folder by what is in it."""

    folder: Path

    @property
    def corpus(self) -> Path:
        """The folder of the corpus job's memory."""
        return self.folder / "corpus"

    @property
    def shards(self) -> Path:
        """The folder of the tokenised shards."""
        return self.folder / "shards"

    def open_digests(self, writes: bool = True) -> FileDigests:
        """The digests of files, which the caller closes."""
        return FileDigests(self.folder / "file_digests.sqlite", writes)


def job_cache() -> JobCache | None:
    """The cache that the environment names; None if it names none."""
    folder = os.environ.get(JOB_CACHE_VARIABLE)
    return None if folder is None else JobCache(Path(folder))


def recipe_digest(options: Any, module: str, libraries: Iterable[str]) -> str:
    """The digest of options (a JSON value), of what a module of this package reaches, and of libraries' versions."""
    import importlib.metadata  # whoever plans a run need not wait for it

    return combine(
        {
            "options": sha256_json(options),
            "code": code_digest(module),
            **{name: sha256_text(importlib.metadata.version(name)) for name in libraries},
        }
    )


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
