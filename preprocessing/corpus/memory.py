"""What a corpus job remembers for the next one.

    <cache>/corpus/<key>.reading    what is known of the records of a portion, see `reading`
    <cache>/corpus/shards           where the last job has put the Examples of its portions, with their SHA-256

The **key** of a portion is the digest of all that its records follow from: options, seed, code and libraries, and of
its files what they are called and hold. A portion whose key is known is not read, whatever else has changed; its
shards are copied from the last artifact if they are there as they were written. It is a memory and no more: without
it, or with a damaged one, everything is read, and what is written is the same.
"""

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path

from preprocessing.base.digests import sha256_text
from preprocessing.base.file_digests import FileDigests
from preprocessing.base.file_state import state_of
from preprocessing.base.job_cache import read_sealed, recipe_digest, write_sealed
from preprocessing.base.staging import CACHE_TAG, make_cache_folder
from preprocessing.corpus.portions import Portion
from preprocessing.corpus.shards import Written
from preprocessing.options import CorpusOptions
from preprocessing.readers.source_file import SourceFile

# Options that decide what is done about records, not what they are.
_NOT_IN_RECIPE = ("path", "on_leak", "max_dropped_fraction", "exclude", "exclude_file")
_SHARDS_FILE = "shards"


def recipe_of(options: CorpusOptions, seed: int, part_bytes: int) -> str:
    """The digest of all that records follow from beside their sources."""
    counted = {name: value for name, value in asdict(options).items() if name not in _NOT_IN_RECIPE}
    values = {**counted, "seed": seed, "part_bytes": part_bytes}
    return recipe_digest(values, "preprocessing.corpus.shards", ("ftfy", "pyarrow"))


class PortionKeys:
    """The keys of portions of the corpus in a folder."""

    def __init__(self, folder: Path, recipe: str, excluded: frozenset[str], digests: FileDigests):
        self._folder = str(folder.absolute())
        self._recipe = recipe
        self._excluded = excluded
        self._digests = digests

    def key(self, portion: Portion) -> str:
        """The key, from what the files hold now. Raises OSError."""
        read = [file for source in portion.sources for file in self._read(source)]
        states = {file.name: file.state for file in read if not file.digest}
        found = self._digests.files(list(map(self._path, states)), list(states.values()))
        known = dict(zip(states, found, strict=True))
        contents: list[object] = [self._recipe]
        for source in portion.sources:
            cut = None if source.digest or source.is_whole else (source.start, source.stop)
            files = [(file.name, file.digest or known[file.name]) for file in self._read(source)]
            contents.append((source.name, source.split, cut, files, source.drop))
        return sha256_text(repr(contents))

    def is_unchanged(self, portion: Portion) -> bool:
        """Whether the files are what the listing has found, and any change since then would show."""
        read = (file for source in portion.sources for file in self._read(source))
        return all(file.state and file.state == self._state(file) for file in read)

    def _read(self, source: SourceFile) -> Iterator[SourceFile]:
        """The files that are read for a source."""
        if source.drop is None and source.name not in self._excluded:
            yield source
            if source.companion is not None:
                yield source.companion

    def _path(self, name: str) -> str:
        return f"{self._folder}/{name}"

    def _state(self, file: SourceFile) -> str:
        try:
            return state_of(os.stat(self._path(file.name)))
        except OSError:
            return ""


class CorpusMemory:
    """The memory in a folder, which is made if it is not there."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._written = _read_shards(folder / _SHARDS_FILE)
        make_cache_folder(folder)

    def reading(self, key: str) -> str:
        """The path of the file with the reading of a portion, whether it is there or not."""
        return str(self._folder / f"{key}.reading")

    def written(self, key: str) -> Written | None:
        """Where the last job has put the shards of a portion, None if it is not known."""
        return self._written.get(key)

    def keep(self, written: Mapping[str, Written]) -> None:
        """Remember these portions and forget all others."""
        content = json.dumps(written)
        write_sealed(str(self._folder / _SHARDS_FILE), content.encode())
        kept = {f"{key}.reading" for key in written} | {_SHARDS_FILE, CACHE_TAG}
        for file in self._folder.iterdir():
            if file.name not in kept:
                file.unlink()


def _read_shards(path: Path) -> dict[str, Written]:
    try:
        content = json.loads(read_sealed(str(path)))
    except OSError:
        return {}
    return {key: Written.of(value) for key, value in content.items()}
