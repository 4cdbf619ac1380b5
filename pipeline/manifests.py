"""The digests of what an artifact holds: canonical (its meaning, for keys) and raw (every file, for `verify`)."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Literal

from pipeline.store import Removal, StoredArtifact, StoreReader
from preprocessing.base.digests import combine, sha256_bytes
from preprocessing.base.file_digests import FileDigests
from preprocessing.base.folder_files import files_beneath
from preprocessing.base.staging import write_whole
from serving.versions import ADDED_LATER, Versions

# Files that differ between two equal results: pages and training histories hold times. They are in the manifest and
# not in the canonical digest.
_WITHOUT_MEANING = {
    "ModelRun": ("*",),
    "ModelEvaluation": ("*.html",),
    "CorpusReport": ("*.html",),
    "TokenStatistics": ("*.html",),
}

REDACTED = ".redacted"


def decides_nothing(type_name: str) -> bool:
    """Whether artifacts of a type are for people alone: no result of a node follows from what they hold."""
    return "*" in _WITHOUT_MEANING.get(type_name, ())


@dataclass(frozen=True)
class Manifest:
    """The files of an artifact: relative name -> (size in bytes, sha256)."""

    files: Mapping[str, tuple[int, str]]

    def canonical(self, type_name: str) -> str:
        """The digest of the artifact's meaning."""
        ignored = _WITHOUT_MEANING.get(type_name, ())
        return combine(
            {
                name: digest
                for name, (_, digest) in self.files.items()
                if not any(fnmatch(name, pattern) for pattern in ignored)
            }
        )

    def to_json(self) -> str:
        return json.dumps(self.files, sort_keys=True, indent=0) + "\n"


@dataclass(frozen=True)
class Mismatch:
    """A file that is not what was recorded: `actual` is empty for a missing one, `expected` for one too many."""

    path: str
    expected: str
    actual: str


@dataclass(frozen=True)
class ArtifactFiles:
    """The files of an artifact. recorded: name -> path, be it there or not. foreign: files that no manifest names."""

    manifest: Manifest
    recorded: Mapping[str, Path]
    foreign: Sequence[Path]

    def mismatches(self, actual: Callable[[Path], str]) -> Iterator[Mismatch]:
        """What differs from the manifest. actual: the SHA-256 of a file, empty for one that cannot be read."""
        for name, path in self.recorded.items():
            expected = self.manifest.files[name][1]
            if (found := actual(path)) != expected:
                yield Mismatch(str(path), expected, found)
        # Who reads an artifact reads whatever lies in it, so a foreign file is a mismatch too.
        for path in self.foreign:
            yield Mismatch(str(path), "", actual(path))


def content_root(artifact: StoredArtifact) -> Path:
    """Where an artifact's content lies: a pushed model's is its version folder, outside the artifacts.

    A version that is not published yet lies staged beside its place.
    """
    destination = artifact.properties.get("pushed_destination")
    if not destination:
        return Path(artifact.uri)
    published = Path(str(destination))
    staged = Versions(published.parent).staged_path(published.name)
    return staged if staged.is_dir() and not published.is_dir() else published


def redacted_root(artifact: StoredArtifact) -> Path:
    """The folder, be it there or not, of what a purge leaves of an artifact: what its files say without the records."""
    root = content_root(artifact)
    return root.with_name(f"{root.name}{REDACTED}")


def removals(store: StoreReader, artifacts: Iterable[StoredArtifact]) -> dict[int, Removal]:
    """Artifact id -> when gc or a purge removed it, of those that are not there."""
    return store.removals([each.id for each in artifacts if not content_root(each).exists()])


def removed_at(
    found: Mapping[int, Removal], artifact: StoredArtifact, cause: Literal["collected", "erased"]
) -> float | None:
    """When a cause removed an artifact, in seconds since the epoch; None where it did not. found: see `removals`."""
    removal = found.get(artifact.id)
    return None if removal is None or removal.cause != cause else removal.time


class Manifests:
    """Manifests as files named by their own digest, so that one cannot change unnoticed."""

    def __init__(self, folder: Path, digests: FileDigests) -> None:
        self._folder = folder
        self._digests = digests

    def describe(self, artifact: StoredArtifact) -> Manifest:
        """Hash every file of an artifact."""
        return Manifest(
            {
                name: (path.stat().st_size, self._digests.file(path))
                for name, path in _files(artifact)
            }
        )

    def note_move(self, artifact: StoredArtifact) -> None:
        """Say that files whose digests are known lie elsewhere now, so that they need not be read again."""
        manifest, root = self.read(artifact.manifest_digest), content_root(artifact)
        for name, (_, digest) in manifest.files.items() if manifest else ():
            self._digests.note(root / name, digest)

    def write(self, manifest: Manifest) -> str:
        """Keep a manifest; returns its digest."""
        text = manifest.to_json()
        digest = sha256_bytes(text.encode())
        write_whole(self._folder / f"{digest}.json", text.encode())
        return digest

    def read(self, digest: str) -> Manifest | None:
        """A kept manifest; None if it is gone or was changed."""
        path = self._folder / f"{digest}.json"
        try:
            content = path.read_bytes()
        except OSError:
            return None
        if sha256_bytes(content) != digest:
            return None
        return Manifest({name: (size, sha) for name, (size, sha) in json.loads(content).items()})

    def mismatches(self, artifact: StoredArtifact, trust_memory: bool = True) -> Iterator[Mismatch]:
        """What differs between an artifact's files and its manifest.

        With `trust_memory` a file whose stat is unchanged since it was last hashed is not read again.
        """
        files = self.files(artifact)
        if files is None:
            yield self.lost(artifact)
        else:
            yield from files.mismatches(lambda path: self._actual(path, trust_memory))

    def files(self, artifact: StoredArtifact) -> "ArtifactFiles | None":
        """The files of an artifact as they lie there now; None where its manifest is gone or was changed."""
        manifest = self.read(artifact.manifest_digest)
        if manifest is None:
            return None
        root = content_root(artifact)
        recorded = {name: root if root.is_file() else root / name for name in manifest.files}
        present = _files(artifact) if root.is_dir() else ()
        foreign = [path for name, path in present if name not in manifest.files]
        return ArtifactFiles(manifest, recorded, foreign)

    def lost(self, artifact: StoredArtifact) -> Mismatch:
        """What is said of an artifact whose manifest is gone or was changed."""
        path = self._folder / f"{artifact.manifest_digest}.json"
        return Mismatch(str(path), artifact.manifest_digest, "")

    def _actual(self, path: Path, trust_memory: bool) -> str:
        try:
            return self._digests.file(path, trust_memory)
        except OSError:
            return ""


def _files(artifact: StoredArtifact) -> Iterator[tuple[str, Path]]:
    """(name, path) of an artifact's files, without what may join a pushed version later."""
    later = ADDED_LATER if artifact.type == "PushedModel" else frozenset()
    return (
        (name, Path(path))
        for name, path in files_beneath(content_root(artifact))
        if name not in later
    )
