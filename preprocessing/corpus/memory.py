"""What a corpus job remembers for the next one.

    <cache>/corpus/<key>.reading    what is known of the records of a portion, see `reading`
    <cache>/corpus/portions         where the last job has put the Examples of its portions, with their SHA-256

The **key** of a portion is the digest of all that its records follow from: options, seed, code and libraries, and of
its files what they are called and hold. A portion whose key is known is not read, whatever else has changed; its
shards are copied from the last artifact if they are there as they were written. What the listing has **seen** of a
portion leads to its key without a look at its files one by one. It is a memory and no more: without it, or with a
damaged one, everything is read, and what is written is the same.
"""

import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from preprocessing.base.digests import sha256_text
from preprocessing.base.file_digests import FileDigests
from preprocessing.base.file_state import FileState, state_of
from preprocessing.base.job_cache import PORTIONS_FILE, read_sealed, recipe_digest, write_sealed
from preprocessing.base.staging import CACHE_TAG, make_cache_folder
from preprocessing.corpus.portions import Portion
from preprocessing.corpus.shards import Written
from preprocessing.options import CorpusOptions
from preprocessing.readers.source_file import SourceFile
from preprocessing.records.exclusion import EXCLUDED

# Options that decide what is done about records, not what they are.
_NOT_IN_RECIPE = ("path", "on_leak", "max_dropped_fraction", "exclude", "exclude_file")


def recipe_of(options: CorpusOptions, seed: int, part_bytes: int) -> str:
    """The digest of all that records follow from beside their sources."""
    counted = {name: value for name, value in asdict(options).items() if name not in _NOT_IN_RECIPE}
    values = {**counted, "seed": seed, "part_bytes": part_bytes}
    return recipe_digest(values, "preprocessing.corpus.shards", ("ftfy", "pyarrow"))


class PortionKeys:
    """The keys of portions of the corpus in a folder. known: those of what was seen earlier."""

    def __init__(
        self,
        folder: Path,
        recipe: str,
        excluded: frozenset[str],
        digests: FileDigests,
        known: Mapping[str, str],
    ) -> None:
        self._folder = str(folder.absolute())
        self._recipe = recipe
        self._excluded = excluded
        self._digests = digests
        self._known = known
        self._seen_with = repr((self._folder, recipe, sorted(excluded)))

    def seen(self, portion: Portion) -> str:
        """The digest of what the listing has found, empty if a change of a file may not show in it."""
        fingerprint = portion.sources.fingerprint()
        return sha256_text(self._seen_with + fingerprint) if fingerprint else ""

    def keys(self, portions: Iterable[Portion]) -> list[str]:
        """The key of each, from what the files hold now, and no two the same. Raises OSError.

        Pieces of a table may hold the same, but the places of their rows are others, so each has its own reading.
        """
        found: dict[str, None] = {}
        counts: Counter[str] = Counter()
        for portion in portions:
            key = own = self._known.get(self.seen(portion)) or self._key_of_contents(portion)
            while key in found:
                counts[own] += 1
                key = sha256_text(f"{own} {counts[own]}")
            found[key] = None
        return list(found)

    def _key_of_contents(self, portion: Portion) -> str:
        sources = list(portion.sources)
        read = [file for source in sources for file in self._read(source)]
        states = {file.name: file.state for file in read if not file.digest}
        found = self._digests.files(list(map(self._path, states)), list(states.values()))
        known = dict(zip(states, found, strict=True))
        contents: list[object] = [self._recipe]
        for source in sources:
            cut = None if source.digest or source.is_whole else (source.start, source.stop)
            files = [(file.name, file.digest or known[file.name]) for file in self._read(source)]
            drop = source.drop if source.name not in self._excluded else EXCLUDED
            contents.append((source.name, source.split, cut, files, drop))
        return sha256_text(repr(contents))

    def is_unchanged(self, portion: Portion) -> bool:
        """Whether the files are what the listing has found, and any change since then would show."""
        read = (file for source in portion.sources for file in self._read(source))
        return all(file.state is not None and file.state == self._state(file) for file in read)

    def _read(self, source: SourceFile) -> Iterator[SourceFile]:
        """The files that are read for a source."""
        if source.drop is None and source.name not in self._excluded:
            yield source
            if source.companion is not None:
                yield source.companion

    def _path(self, name: str) -> str:
        return f"{self._folder}/{name}"

    def _state(self, file: SourceFile) -> FileState | None:
        try:
            return state_of(os.stat(self._path(file.name)))
        except OSError:
            return None


class CorpusMemory:
    """The memory in a folder, which is made if it is not there. seen: keys by what was seen of their portions."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        content = _read(folder / PORTIONS_FILE)
        self.seen: Mapping[str, str] = content["seen"]
        self._written = {key: Written.of(value) for key, value in content["written"].items()}
        make_cache_folder(folder)

    def reading(self, key: str) -> str:
        """The path of the file with the reading of a portion, whether it is there or not."""
        return str(self._folder / f"{key}.reading")

    def written(self, key: str) -> Written | None:
        """Where the last job has put the shards of a portion, None if it is not known."""
        return self._written.get(key)

    def keep(self, written: Mapping[str, Written], seen: Mapping[str, str]) -> None:
        """Remember these portions and forget all others."""
        content = {"written": written, "seen": {name: key for name, key in seen.items() if name}}
        write_sealed(str(self._folder / PORTIONS_FILE), json.dumps(content).encode())
        kept = {f"{key}.reading" for key in written} | {PORTIONS_FILE, CACHE_TAG}
        for file in self._folder.iterdir():
            if file.name not in kept:
                file.unlink()


def _read(path: Path) -> dict[str, Any]:
    try:
        content: dict[str, Any] = json.loads(read_sealed(str(path)))
        return content
    except OSError:
        return {"written": {}, "seen": {}}
