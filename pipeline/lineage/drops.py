"""Documents of a corpus that became no record, as the report of its CorpusGen names them."""

import json
from collections.abc import Collection, Iterator
from json.encoder import encode_basestring
from typing import Any

from pipeline.manifests import content_root
from pipeline.store import StoredExecution
from preprocessing.records.ids import names_of

# Of a corpus' report; see `preprocessing.corpus.shards`, which needs Beam.
_DROPS = "drops/*.jsonl"


def named_drops(
    corpus: StoredExecution, names: Collection[str]
) -> Iterator[tuple[dict[str, Any], frozenset[str]]]:
    """The drops of a CorpusGen that any of these names is of, each with those: ids, their groups, files.

    Of each: reason, source, id and detail, see `preprocessing.records.record.Drop`.
    """
    wanted = frozenset(names)
    needles = [encode_basestring(name)[1:-1].encode() for name in wanted]
    report = corpus.outputs.get("report")
    for path in sorted(content_root(report).glob(_DROPS)) if report else []:
        content = path.read_bytes()
        if not any(needle in content for needle in needles):
            continue
        for drop in map(json.loads, content.splitlines()):
            if of := wanted & {*names_of(drop["id"]), drop["source"]}:
                yield drop, of
