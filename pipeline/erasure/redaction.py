"""What a purge leaves of artifacts: an index without some lines, numbers without texts and names."""

import json
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from json.encoder import encode_basestring
from pathlib import Path
from typing import Any

from pipeline.lineage.facts import DROPS, SCORES, TOKENS, TRAINING
from pipeline.lineage.indices import MANIFEST, index_of
from pipeline.manifests import Manifests, content_root, redacted_root
from pipeline.store import StoredArtifact
from preprocessing.base.digests import sha256_bytes
from preprocessing.base.staging import staged_beside, write_whole

# Type of artifact -> its file of numbers, and what lists single records there.
_NUMBERS = {
    "ModelEvaluation": SCORES,
    "CorpusReport": DROPS,
    "TokenStatistics": TOKENS,
    "ModelRun": TRAINING,
}
_LISTS_OF_RECORDS = frozenset({"first", "first_truncated", "exclude_unmatched"})

Matches = Callable[[Mapping[str, Any]], bool]


def redact_facts(artifact: StoredArtifact) -> None:
    """Put beside an evaluation, a report of corpus, tokens or training its numbers, without texts and names."""
    name = _NUMBERS.get(artifact.type)
    path = content_root(artifact) / name if name else None
    if path is not None and path.is_file():
        left = _without_names(json.loads(path.read_bytes()))
        write_whole(redacted_root(artifact) / path.name, json.dumps(left, indent=1).encode())


def _without_names(value: Any) -> Any:
    """A document whose lists of records are empty."""
    if isinstance(value, dict):
        return {
            name: [] if name in _LISTS_OF_RECORDS else _without_names(each)
            for name, each in value.items()
        }
    return value


def redact_index(
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
