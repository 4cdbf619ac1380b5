"""Documents of a corpus that became no record: its report names them, and its page shows how the first begin."""

import json
from collections import defaultdict
from collections.abc import Collection, Iterable
from json.encoder import encode_basestring
from pathlib import Path

from pipeline.manifests import content_root
from pipeline.store import StoredExecution
from preprocessing.records.exclusion import EXCLUDED
from preprocessing.records.ids import names_of

# Of a corpus' report; see `preprocessing.corpus.shards`, which needs Beam.
_DROPS = "drops/*.jsonl"


def corpora_that_dropped(
    corpora: Iterable[StoredExecution], names: Collection[str]
) -> dict[str, set[int]]:
    """Name -> the executions of CorpusGen that dropped a document of it for another reason than that it was named."""
    wanted = frozenset(names)
    needles = [encode_basestring(name)[1:-1].encode() for name in wanted]
    found: dict[str, set[int]] = defaultdict(set)
    for corpus in corpora:
        for path in _drops_of(corpus):
            content = path.read_bytes()
            if not any(needle in content for needle in needles):
                continue
            for drop in map(json.loads, content.splitlines()):
                if drop["reason"] != EXCLUDED:
                    for name in wanted & {*names_of(drop["id"]), drop["source"]}:
                        found[name].add(corpus.id)
    return found


def _drops_of(corpus: StoredExecution) -> list[Path]:
    report = corpus.outputs.get("report")
    return sorted(content_root(report).glob(_DROPS)) if report else []
