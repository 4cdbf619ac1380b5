"""The records of corpora, from the indices that CorpusGen made: which there are, and where one is.

Indices are lines of JSON in shards. Corpora that differ by little have most shards in common, so each is read once,
whatever number of indices it is in.
"""

import json
import mmap
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from json.encoder import encode_basestring
from pathlib import Path
from typing import Any

from pipeline.lineage.indices import index_of
from pipeline.manifests import Manifests
from pipeline.store import StoredExecution


@dataclass(frozen=True)
class FoundRecord:
    """A record of an index: see `preprocessing.records.record.Record`. shard: of its Example, within its split."""

    id: str
    source: str
    position: int
    digest: str
    split: str
    shard: str


class Corpora:
    """The indices of executions of CorpusGen, by the execution's id."""

    def __init__(self, executions: Sequence[StoredExecution], manifests: Manifests) -> None:
        # sha256 of a shard -> where its bytes are; execution -> its shards.
        self._paths: dict[str, Path] = {}
        self.shards: dict[int, set[str]] = {}
        # Of them, those of the training set.
        self.training_shards: dict[int, list[str]] = {}
        self.missing: list[StoredExecution] = []
        # Those whose index is without what a purge has erased.
        self.redacted: set[int] = set()
        for execution in executions:
            index = index_of(execution.outputs["index"], manifests)
            if index is None:
                self.missing.append(execution)
                continue
            if index.redacted:
                self.redacted.add(execution.id)
            self.shards[execution.id] = set(index.digests.values())
            self.training_shards[execution.id] = [
                digest
                for name, digest in sorted(index.digests.items())
                if name.startswith("Split-train/")
            ]
            for name, digest in index.digests.items():
                if digest not in self._paths and (index.root / name).is_file():
                    self._paths[digest] = index.root / name
        for execution in executions:
            if self.shards.get(execution.id, set()) - self._paths.keys():
                self.missing.append(execution)

    def find(
        self, value: str, matches: Callable[[Mapping[str, Any]], bool]
    ) -> dict[str, list[FoundRecord]]:
        """Shard -> the records in it that match, among those with a field that begins with a value."""
        needle = f'": "{encode_basestring(value)[1:-1]}'.encode()
        found = {}
        for digest, path in self._paths.items():
            records = [_record(line) for line in _lines_with(path, needle) if matches(line)]
            if records:
                found[digest] = records
        return found

    def count(self, shards: Sequence[str]) -> int:
        """How many records shards have."""
        return sum(_lines(self._paths[digest]) for digest in shards if digest in self._paths)

    def records(self, shards: Sequence[str]) -> Iterator[FoundRecord]:
        """The records of shards, in order."""
        for digest in shards:
            if digest in self._paths:
                with self._paths[digest].open("rb") as file:
                    yield from (_record(json.loads(line)) for line in file)


def _record(line: Mapping[str, Any]) -> FoundRecord:
    return FoundRecord(
        line["id"], line["source"], line["position"], line["digest"], line["split"], line["shard"]
    )


def _lines_with(path: Path, needle: bytes) -> Iterator[dict[str, Any]]:
    """The lines of a file that hold some bytes."""
    if not path.stat().st_size:
        return
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        at = content.find(needle)
        while at >= 0:
            start = content.rfind(b"\n", 0, at) + 1
            end = content.find(b"\n", at)
            end = len(content) if end < 0 else end
            yield json.loads(content[start:end])
            at = content.find(needle, end)


def _lines(path: Path) -> int:
    with path.open("rb") as file:
        return sum(block.count(b"\n") for block in iter(lambda: file.read(1 << 20), b""))
