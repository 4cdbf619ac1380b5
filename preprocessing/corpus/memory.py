"""What a corpus job remembers for the next one.

    <cache>/corpus/<key>.reading    what is known of the records of a portion, see `reading`
    <cache>/corpus/shards           where the last job has put the Examples of its portions, with their SHA-256

The **key** of a portion is the digest of all that its records follow from: options, seed, code and libraries, and of
its files what they are called and hold. A portion whose key is known is not read, whatever else has changed; its
shards are copied from the last artifact if they are there as they were written. It is a memory and no more: without
it, or with a damaged one, everything is read, and what is written is the same.
"""

import importlib.metadata
import json
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from preprocessing.base.cache_folder import CACHE_TAG, make_cache_folder
from preprocessing.base.digests import combine, sha256_json, sha256_text
from preprocessing.base.file_digests import FileDigests
from preprocessing.base.file_state import file_state
from preprocessing.base.import_walk import code_digest
from preprocessing.base.verified_files import read_sealed, write_sealed
from preprocessing.corpus.portions import Portion
from preprocessing.corpus.shards import Written
from preprocessing.options import CorpusOptions
from preprocessing.readers.source_file import SourceFile

# Options that decide what is done about records, not what they are.
_NOT_IN_RECIPE = ("path", "on_leak", "max_dropped_fraction", "exclude", "exclude_file")
_LIBRARIES = ("ftfy", "pyarrow")
_SHARDS_FILE = "shards"


def recipe_of(options: CorpusOptions, seed: int, part_bytes: int) -> str:
    """The digest of all that records follow from beside their sources."""
    counted = {name: value for name, value in asdict(options).items() if name not in _NOT_IN_RECIPE}
    return combine(
        {
            "options": sha256_json({**counted, "seed": seed, "part_bytes": part_bytes}),
            "code": code_digest("preprocessing.corpus.shards"),
            **{name: sha256_text(importlib.metadata.version(name)) for name in _LIBRARIES},
        }
    )


class PortionKeys:
    """The keys of portions of the corpus in a folder."""

    def __init__(self, folder: Path, recipe: str, excluded: frozenset[str], digests: FileDigests):
        self._folder = str(folder.absolute())
        self._recipe = recipe
        self._excluded = excluded
        self._digests = digests
        self._now_ns = time.time_ns()

    def states(self, portion: Portion, again: bool = False) -> tuple[str, ...]:
        """The `file_state` of each file to read, empty for one that may yet change unnoticed.

        again: look at all, whatever the listing has seen.
        """
        names = [source.companion for source in portion.sources if source.companion]
        own = (
            # The digest of a piece was taken after the listing, so what it was since then does not count.
            source.state
            if not again and (source.state or source.digest)
            else self._state(source.name)
            for source in self._read(portion)
        )
        return (*own, *map(self._state, names))

    def key(self, portion: Portion, states: Sequence[str]) -> str:
        """The key, from what the files hold; states: as they are now. Raises OSError."""
        sources = self._read(portion)
        paths = [f"{self._folder}/{source.name}" for source in sources if not source.digest]
        own = [state for source, state in zip(sources, states, strict=False) if not source.digest]
        found = iter(self._digests.files(paths, own))
        contents: list[object] = [self._recipe]
        for source in portion.sources:
            cut = None if source.digest or source.is_whole else (source.start, source.stop)
            content = source.digest or (next(found) if self._is_read(source) else "")
            companion = source.companion and self._digest(source.companion)
            contents.append((source.name, source.split, cut, content, companion, source.drop))
        return sha256_text(repr(contents))

    def _read(self, portion: Portion) -> list[SourceFile]:
        return [source for source in portion.sources if self._is_read(source)]

    def _is_read(self, source: SourceFile) -> bool:
        return source.drop is None and source.name not in self._excluded

    def _digest(self, name: str) -> str:
        return self._digests.file(Path(self._folder, name))

    def _state(self, name: str) -> str:
        try:
            return file_state(os.stat(f"{self._folder}/{name}"), self._now_ns)
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
        content = json.dumps({key: asdict(value) for key, value in written.items()})
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
