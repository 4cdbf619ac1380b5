"""Whether what a model was made of is what was recorded: every file of its chain is hashed again."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from pipeline.config import LoadedConfig
from pipeline.lineage.hashing import hashed_files
from pipeline.lineage.provenance import executions_behind
from pipeline.lineage.rows import altered_events, altered_rows, rows_without_digest
from pipeline.manifests import Manifests, Mismatch, removals
from pipeline.nodes import ALL_NODES
from pipeline.outside_files import OutsideFiles
from pipeline.store import Removal, StoredArtifact, StoredExecution, StoreReader
from preprocessing.base.errors import InputError
from preprocessing.base.file_digests import FileDigests


@dataclass(frozen=True)
class Verification:
    """What became of it.

    checked: files that were hashed. collected, erased, unknown: what could not be: outputs that gc or a purge removed,
    and content from outside of which no list of files was kept, each in words; and rows without a digest.
    """

    checked: int
    mismatches: tuple[Mismatch, ...]
    collected: tuple[str, ...]
    erased: tuple[str, ...]
    unknown: tuple[str, ...]

    @property
    def ok(self) -> bool:
        return not self.mismatches


def verify(
    loaded: LoadedConfig, store: StoreReader, digests: FileDigests, pushed: StoredArtifact
) -> Verification:
    """Hash every file behind a pushed model again: outputs, what came from outside, the pushed version itself.

    The rows of the store behind it, and the events of the workspace, are looked at as well: see `rows`.

    Neither the memory of digests nor times are trusted. What gc or a purge has removed is said, and is no mismatch.
    """
    manifests = Manifests(loaded.workspace / "manifests", digests)
    executions = executions_behind(store, {"pushed_model": pushed})
    outputs = [artifact for execution in executions for artifact in execution.outputs.values()]
    removed = removals(store, outputs)
    kept = [artifact for artifact in outputs if artifact.id not in removed]
    files = {artifact.id: manifests.files(artifact) for artifact in kept}
    hashed = hashed_files(
        {
            path
            for each in files.values()
            if each
            for path in (*each.recorded.values(), *each.foreign)
        }
    )
    mismatches: list[Mismatch] = []
    for artifact in kept:
        own = files[artifact.id]
        if own is None:
            mismatches.append(manifests.lost(artifact))
            continue
        mismatches += own.mismatches(hashed.__getitem__)
        stored = own.manifest.canonical(artifact.type)
        if stored != artifact.digest:
            where = f"the store's digest of {artifact.uri}"
            mismatches.append(Mismatch(where, artifact.digest, stored))
    mismatches += altered_rows(store, pushed, executions)
    mismatches += altered_events(store)
    outside = list(_outside(loaded, digests, executions))
    return Verification(
        len(hashed) + sum(count for count, _, _ in outside),
        (*mismatches, *(each for _, found, _ in outside for each in found)),
        _uris_removed_by("collected", outputs, removed),
        _uris_removed_by("erased", outputs, removed),
        (
            *(unknown for _, _, unknown in outside if unknown),
            *rows_without_digest(executions),
        ),
    )


def _uris_removed_by(
    cause: str, outputs: Iterable[StoredArtifact], removed: Mapping[int, Removal]
) -> tuple[str, ...]:
    return tuple(
        each.uri for each in outputs if each.id in removed and removed[each.id].cause == cause
    )


def _outside(
    loaded: LoadedConfig, digests: FileDigests, executions: list[StoredExecution]
) -> Iterator[tuple[int, list[Mismatch], str]]:
    """For each content from outside: files hashed, what differs, and why nothing could be compared."""
    kept = OutsideFiles(loaded.workspace / "outside")
    nodes = {node.name: node for node in ALL_NODES}
    seen = set()
    for execution in executions:
        for name, external in nodes[execution.node].externals.items():
            digest = execution.ingredients["externals"].get(name)
            if digest is None or not external.is_tree or (name, digest) in seen:
                continue
            seen.add((name, digest))
            expected, place = kept.read(digest), external.locate(loaded)
            if expected is None:
                yield 0, [], f"{name} {digest}: no list of its files was kept"
            elif place is None or not Path(place).exists():
                yield 0, [], f"{name} {digest}: not where the configuration says, {place}"
            else:
                actual = _tree(digests, Path(place))
                found = list(_differences(Path(place), expected, actual))
                yield len(expected), found, ""


def _tree(digests: FileDigests, place: Path) -> dict[str, str]:
    try:
        return digests.tree(place, trust_memory=False)
    except InputError:
        return {}


def _differences(
    root: Path, expected: Mapping[str, str], actual: Mapping[str, str]
) -> Iterator[Mismatch]:
    for name in sorted({*expected, *actual}):
        before, now = expected.get(name, ""), actual.get(name, "")
        if before != now:
            yield Mismatch(str(root if root.is_file() else root / name), before, now)
