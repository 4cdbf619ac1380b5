"""An index without the lines of some records: the trace of all others stays."""

import json
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from json.encoder import encode_basestring
from pathlib import Path
from typing import Any

from pipeline.lineage.indices import MANIFEST, index_of, redacted_root
from pipeline.manifests import Manifests
from pipeline.store import StoredArtifact
from preprocessing.base.digests import sha256_bytes
from preprocessing.base.staging import staged_beside

Matches = Callable[[Mapping[str, Any]], bool]


def redact(
    artifact: StoredArtifact, manifests: Manifests, names: Sequence[str], matches: Matches
) -> None:
    """Put beside an index what is left of it without the lines that match; the index itself stays as it is.

    names: what such a line holds, any of them. An index that is gone leaves nothing.
    """
    index = index_of(artifact, manifests)
    if index is None or not index.root.is_dir():
        return
    target = redacted_root(artifact)
    staged = staged_beside(target)
    needles = [encode_basestring(name)[1:-1].encode() for name in names]
    digests = {}
    for name, digest in index.digests.items():
        path = staged / name
        path.parent.mkdir(parents=True, exist_ok=True)
        content = (index.root / name).read_bytes()
        left = _without(content, matches) if any(each in content for each in needles) else content
        if left == content:
            os.link(index.root / name, path)
            digests[name] = digest
        else:
            path.write_bytes(left)
            digests[name] = sha256_bytes(left)
    (staged / MANIFEST).write_text(json.dumps(digests), encoding="utf-8")
    # Where it is there already it is read from, and what stands in for it meanwhile is whole.
    if target.exists():
        shutil.rmtree(_renamed(target))
    staged.rename(target)


def _without(content: bytes, matches: Matches) -> bytes:
    lines = content.splitlines(keepends=True)
    return b"".join(line for line in lines if not matches(json.loads(line)))


def _renamed(target: Path) -> Path:
    aside = staged_beside(target)
    target.rename(aside)
    return aside
