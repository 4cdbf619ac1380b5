"""Where the index of a corpus lies: in its artifact or, after a purge, beside that, without what was erased."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from pipeline.manifests import Manifests, content_root, redacted_root
from pipeline.store import StoredArtifact

MANIFEST = "manifest.json"


class Index(NamedTuple):
    """The files of an index: name -> SHA-256. redacted: whether lines were erased from it."""

    root: Path
    digests: Mapping[str, str]
    redacted: bool


def index_of(artifact: StoredArtifact, manifests: Manifests) -> Index | None:
    """The index that an artifact holds, or what a purge has left of it; None where neither is there."""
    root, redacted = content_root(artifact), redacted_root(artifact)
    if not root.is_dir() and redacted.is_dir():
        try:
            return Index(redacted, json.loads((redacted / MANIFEST).read_bytes()), True)
        except (OSError, ValueError):
            return None
    manifest = manifests.read(artifact.manifest_digest)
    if manifest is None:
        return None
    # Where its files are gone, those of another index may have the same content.
    return Index(root, {name: digest for name, (_, digest) in manifest.files.items()}, False)
