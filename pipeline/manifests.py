"""The digests of what an artifact holds: canonical (its meaning, for keys) and raw (every file, for `verify`)."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from pipeline.store import StoredArtifact, StoreReader
from preprocessing.base.digests import combine, sha256_bytes
from preprocessing.base.file_digests import FileDigests, files_beneath
from preprocessing.base.staging import write_whole
from serving.versions import ADDED_LATER, Versions

# Files that differ between two equal results: pages and training histories hold times. They are in the manifest and
# not in the canonical digest.
_WITHOUT_MEANING = {
    "ModelRun": ("*",),
    "ModelEvaluation": ("*.html",),
    "CorpusReport": ("*.html",),
}


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


def collected_artifacts(
    store: StoreReader, artifacts: Iterable[StoredArtifact]
) -> dict[int, float]:
    """Artifact id -> when gc removed it, in seconds since the epoch, of those that are not there."""
    return store.collected([each.id for each in artifacts if not content_root(each).exists()])


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

    def mismatches(
        self,
        artifact: StoredArtifact,
        trust_memory: bool = True,
        hashed: Mapping[Path, str] | None = None,
    ) -> Iterator[Mismatch]:
        """What differs between an artifact's files and its manifest.

        With `trust_memory` a file whose stat is unchanged since it was last hashed is not read again.
        hashed: the digest of every path of `paths`, where the caller has read them.
        """

        def actual(path: Path) -> str:
            return self._actual(path, trust_memory) if hashed is None else hashed[path]

        manifest = self.read(artifact.manifest_digest)
        if manifest is None:
            path = self._folder / f"{artifact.manifest_digest}.json"
            yield Mismatch(str(path), artifact.manifest_digest, "")
            return
        recorded, foreign = _paths(manifest, artifact)
        for name, path in recorded.items():
            expected = manifest.files[name][1]
            if (found := actual(path)) != expected:
                yield Mismatch(str(path), expected, found)
        # Who reads an artifact reads whatever lies in it, so a foreign file is a mismatch too.
        for path in foreign:
            yield Mismatch(str(path), "", actual(path))

    def paths(self, artifact: StoredArtifact) -> list[Path]:
        """The files of an artifact: those of its manifest, there or not, and what lies beside them."""
        manifest = self.read(artifact.manifest_digest)
        if manifest is None:
            return []
        recorded, foreign = _paths(manifest, artifact)
        return [*recorded.values(), *foreign]

    def _actual(self, path: Path, trust_memory: bool) -> str:
        try:
            return self._digests.file(path, trust_memory)
        except OSError:
            return ""


def _paths(manifest: Manifest, artifact: StoredArtifact) -> tuple[dict[str, Path], list[Path]]:
    """The path of each file of a manifest by its name, and those of files that are not in it."""
    root = content_root(artifact)
    recorded = {name: root if root.is_file() else root / name for name in manifest.files}
    present = _files(artifact) if root.is_dir() else ()
    return recorded, [path for name, path in present if name not in manifest.files]


def _files(artifact: StoredArtifact) -> Iterator[tuple[str, Path]]:
    """(name, path) of an artifact's files, without what may join a pushed version later."""
    later = ADDED_LATER if artifact.type == "PushedModel" else frozenset()
    return (
        (name, path) for name, path in files_beneath(content_root(artifact)) if name not in later
    )
