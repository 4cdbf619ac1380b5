"""What two pushed models differ in: records, parameters, code, packages, base weights, scores."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.lineage.corpora import Corpora, FoundRecord
from pipeline.lineage.provenance import show
from pipeline.lineage.trace import TRAINED_ON, corpus_behind
from pipeline.manifests import Manifests
from pipeline.store import StoredArtifact, StoredExecution, StoreReader
from preprocessing.base.errors import InputError

Change = tuple[Any, Any]


@dataclass(frozen=True)
class RecordChanges:
    """Ids of records in the training sets: added, removed, and those of one id with other source bytes."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[str, ...]


@dataclass(frozen=True)
class Comparison:
    """The differences, each from the first model to the second: name -> (value of the one, value of the other).

    records: None where an index of a corpus is gone.
    """

    records: RecordChanges | None
    corpus: Mapping[str, Change]
    parameters: Mapping[str, Change]
    code: Mapping[str, Change]
    environment: Mapping[str, Change]
    base_model: Mapping[str, Change]
    scores: Mapping[str, Change]


def diff(
    store: StoreReader, manifests: Manifests, first: StoredArtifact, second: StoredArtifact
) -> Comparison:
    """What two pushed models differ in. Code is what the Trainers' keys reach, and the commit."""
    one, other = show(store, first), show(store, second)

    def code(shown: Mapping[str, Any]) -> dict[str, Any]:
        (trainer,) = [n for n in shown["nodes"] if shown["model"]["trained_as"] in _uris(shown, n)]
        return {**trainer["code"]["files"], "commit": shown["code"]["commit"]}

    return Comparison(
        records=_record_changes(store, manifests, first, second),
        corpus=_changes(one["corpus"], other["corpus"]),
        parameters=_changes(one["parameters"], other["parameters"]),
        code=_changes(code(one), code(other)),
        environment=_changes(one["environment"], other["environment"]),
        base_model=_changes(one["base_model"] or {}, other["base_model"] or {}),
        scores=_changes(one["metrics"], other["metrics"]),
    )


def _uris(shown: Mapping[str, Any], node: Mapping[str, Any]) -> list[str]:
    made = set(node["outputs"].values())
    return [artifact["uri"] for artifact in shown["artifacts"] if artifact["id"] in made]


def _changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, Change]:
    return {
        name: (before.get(name), now.get(name))
        for name in sorted({*before, *now})
        if json.dumps(before.get(name)) != json.dumps(now.get(name))
    }


def _record_changes(
    store: StoreReader, manifests: Manifests, first: StoredArtifact, second: StoredArtifact
) -> RecordChanges | None:
    executions = [_corpus_behind(store, pushed) for pushed in (first, second)]
    corpora = Corpora(executions, manifests)
    if corpora.missing:
        return None
    one, other = (corpora.shards[execution.id] for execution in executions)
    before = _trained(corpora, one - other)
    now = _trained(corpora, other - one)
    # A record that has moved to another shard is in both.
    return RecordChanges(
        added=tuple(sorted(now.keys() - before.keys())),
        removed=tuple(sorted(before.keys() - now.keys())),
        changed=tuple(
            sorted(i for i in before.keys() & now.keys() if before[i].digest != now[i].digest)
        ),
    )


def _trained(corpora: Corpora, shards: set[str]) -> dict[str, FoundRecord]:
    records = corpora.records(sorted(shards))
    return {record.id: record for record in records if record.split == TRAINED_ON}


def _corpus_behind(store: StoreReader, pushed: StoredArtifact) -> StoredExecution:
    corpus = corpus_behind(store, pushed)
    if corpus is None:
        raise InputError(
            f"version {pushed.properties.get('pushed_version')}: the metadata store does not know its corpus."
        )
    return corpus
