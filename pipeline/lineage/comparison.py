"""What two pushed models differ in: records, parameters, code, packages, base weights, scores."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.lineage.corpora import Corpora, FoundRecord
from pipeline.lineage.provenance import show
from pipeline.lineage.training_set import TrainingSet, training_set_behind
from pipeline.manifests import Manifests
from pipeline.store import StoredArtifact, StoreReader
from preprocessing.base.errors import InputError

if TYPE_CHECKING:
    from components.metrics.paired import Difference

Change = tuple[Any, Any]
# Of the bootstrap, as `compare` has it.
_SEED = 1


@dataclass(frozen=True)
class RecordChanges:
    """Ids of records in the training sets: added, removed, and those of one id with other source bytes."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[str, ...]


@dataclass(frozen=True)
class Comparison:
    """The differences, each from the first model to the second: name -> (value of the one, value of the other).

    records: None where an index of a corpus is gone. paired: of each score of texts that both wrote for the same
        records, the paired difference; empty where there are none, or a file of them is gone.
    """

    records: RecordChanges | None
    corpus: Mapping[str, Change]
    parameters: Mapping[str, Change]
    code: Mapping[str, Change]
    environment: Mapping[str, Change]
    base_model: Mapping[str, Change]
    scores: Mapping[str, Change]
    paired: Mapping[str, "Difference"]


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
        paired=_paired(*(_predictions(shown) for shown in (one, other))),
    )


def _predictions(shown: Mapping[str, Any]) -> Path | None:
    """What a model wrote for its evaluation, if that is still there."""
    for artifact in shown["artifacts"]:
        path = Path(artifact["uri"], "predictions.jsonl")
        if artifact["type"] == "ModelEvaluation" and path.is_file():
            return path
    return None


def _paired(first: Path | None, second: Path | None) -> "dict[str, Difference]":
    if first is None or second is None:
        return {}
    # Numpy is imported where there is something to draw.
    from components.compared_predictions import compare, read_predictions

    try:
        found = compare(read_predictions(first), read_predictions(second), _SEED)
    except InputError:
        # They are of other records, or of none.
        return {}
    return {name: difference for name, (_, _, difference) in found.metrics.items()}


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
    trained = [_training_set(store, pushed) for pushed in (first, second)]
    corpora = Corpora([each.corpus for each in trained], manifests)
    if corpora.missing:
        return None
    one, other = (corpora.shards[each.corpus.id] for each in trained)
    # What both have is looked at only where the Tokenizers left other records out.
    common = one & other if trained[0].left_out == trained[1].left_out else set()
    before = _records(corpora, one - common, trained[0])
    now = _records(corpora, other - common, trained[1])
    # A record that has moved to another shard is in both.
    return RecordChanges(
        added=tuple(sorted(now.keys() - before.keys())),
        removed=tuple(sorted(before.keys() - now.keys())),
        changed=tuple(
            sorted(i for i in before.keys() & now.keys() if before[i].digest != now[i].digest)
        ),
    )


def _records(corpora: Corpora, shards: set[str], training: TrainingSet) -> dict[str, FoundRecord]:
    records = filter(training.has, corpora.records(sorted(shards)))
    return {record.id: record for record in records}


def _training_set(store: StoreReader, pushed: StoredArtifact) -> TrainingSet:
    training = training_set_behind(store, pushed)
    if training is None:
        raise InputError(
            f"version {pushed.properties.get('pushed_version')}: the metadata store does not know its corpus."
        )
    return training
