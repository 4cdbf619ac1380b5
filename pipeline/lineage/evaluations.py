"""Every evaluation of a workspace, of models that were pushed and of those that were not."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.lineage.facts import scores
from pipeline.store import StoredArtifact, StoredExecution, StoreReader


def evaluations(store: StoreReader, models: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """What is known of each evaluation, newest first. models: what `pushed_models` says of all pushed versions.

    Each has its `run`, the time at which it was `finished`, its `metrics`; `versions`, the pushed ones that are the
    same model; `artifacts` by what they are of: the evaluation, the training, the corpus, its tokens. From the
    document that it wrote are the rest, and empty where that is gone: then `blessed` is None. exposed: records of the
    split that are in the training set too.
    """
    listed = []
    for artifact in store.artifacts("ModelEvaluation"):
        execution = store.producer(artifact.id)
        # What is not recorded is of a run that died.
        if execution is not None and execution.key and artifact.digest:
            listed.append(_described(store, execution, artifact, models))
    return listed


def _described(
    store: StoreReader,
    execution: StoredExecution,
    artifact: StoredArtifact,
    models: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:
    model, found = execution.inputs["model"].digest, scores(execution) or {}
    tokenizer = store.producer(execution.inputs["tokens"].id)
    behind = {
        "evaluation": artifact,
        "training": execution.inputs.get("model_run"),
        "corpus": execution.inputs.get("report"),
        "tokens": None if tokenizer is None else tokenizer.outputs.get("statistics"),
    }
    return {
        "run": store.run_id_of(execution.id),
        "finished": execution.properties.get("finished"),
        "task": execution.ingredients["parameters"].get("corpus.task", ""),
        "digest": model,
        "versions": [each["model"] for each in models if each["digest"] == model],
        "metrics": json.loads(str(artifact.properties.get("metrics", "{}"))),
        "blessed": found.get("blessed"),
        "split": found.get("split", ""),
        "intervals": found.get("intervals", {}),
        "refusals": [check for check in found.get("checks", []) if not check["passed"]],
        "exposed": found.get("leaks", {}).get("exposed", 0),
        "artifacts": {
            name: {"id": each.id, "type": each.type, "uri": each.uri}
            for name, each in behind.items()
            if each is not None
        },
    }
