"""What stands behind an artifact: executions and artifacts walked back through events."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.manifests import content_root
from pipeline.store import StoredArtifact, StoredExecution, StoreReader
from preprocessing.digests import combine
from preprocessing.errors import InputError


def executions_behind(
    store: StoreReader, inputs: Mapping[str, StoredArtifact]
) -> list[StoredExecution]:
    """The COMPLETE executions behind some inputs (input key -> artifact), each after those whose outputs it read.

    What the model itself was made of comes first. The champion stands beside a model, not behind it: a comparison with
    it teaches the model nothing, and its own lineage is another model's.
    """
    found: dict[int, StoredExecution] = {}

    def visit(inputs: Mapping[str, StoredArtifact]) -> None:
        for key in sorted(inputs.keys() - {"champion"}, key=lambda key: (key != "model", key)):
            producer = store.producer(inputs[key].id)
            if producer is not None and producer.id not in found:
                visit(producer.inputs)
                found[producer.id] = producer

    visit(inputs)
    return list(found.values())


def provenance(executions: Sequence[StoredExecution]) -> dict[str, Any]:
    """Corpus, base model, code, parameters and nodes of a lineage: plain data without times, ids and paths."""
    by_node = _by_node(executions)
    code: dict[str, str] = {}
    parameters: dict[str, Any] = {}
    for execution in reversed(executions):
        code |= execution.ingredients["code"]
        parameters |= execution.ingredients["parameters"]
    corpus = by_node["CorpusGen"]
    index = corpus.outputs["index"].properties
    base = by_node.get("BaseModel")
    trainer = by_node.get("Trainer", corpus)
    return {
        "corpus": {
            "task": corpus.ingredients["parameters"]["corpus.task"],
            "records": index["records"],
            "files": index["corpus_files"],
            "digest": corpus.ingredients["externals"]["corpus"],
        },
        "base_model": {"digest": base.ingredients["externals"]["base_model"]} if base else None,
        "code": {
            "commit": str(trainer.properties.get("git_commit", "")),
            "digest": combine(code),
            "files": dict(sorted(code.items())),
        },
        "environment": trainer.ingredients["environment"],
        "parameters": dict(sorted(parameters.items())),
        "nodes": [
            {
                "node": execution.node,
                "key": execution.key,
                "externals": execution.ingredients["externals"],
                "inputs": {name: a.digest for name, a in sorted(execution.inputs.items())},
                "outputs": {
                    name: artifact.digest
                    for name, artifact in sorted(execution.outputs.items())
                    # A training history holds times, so its digest would differ each time.
                    if artifact.type != "ModelRun"
                },
            }
            for execution in executions
        ],
    }


def _by_node(executions: Sequence[StoredExecution]) -> dict[str, StoredExecution]:
    """The execution of each node. Of two with equal results, the first is the one that the model came from."""
    return {execution.node: execution for execution in reversed(executions)}


def show(store: StoreReader, pushed: StoredArtifact) -> dict[str, Any]:
    """Everything behind a pushed model, as `lineage show --json` prints it."""
    executions = executions_behind(store, {"pushed_model": pushed})
    by_node = _by_node(executions)
    behind = provenance(executions)
    model = executions[-1].inputs["model"]
    base = by_node.get("BaseModel")
    base_model = behind["base_model"]
    if base_model is not None and base is not None:
        base_model["uri"] = base.outputs["model"].uri
    return {
        "model": {
            "version": str(pushed.properties["pushed_version"]),
            "uri": str(content_root(pushed)),
            "digest": model.digest,
            "trained_as": model.uri,
        },
        "nodes": [
            {
                "node": execution.node,
                "execution": execution.id,
                "key": execution.key,
                "seconds": execution.seconds,
                "git_commit": execution.properties.get("git_commit", ""),
                "code": combine(execution.ingredients["code"]),
                "inputs": {name: artifact.id for name, artifact in execution.inputs.items()},
                "outputs": {name: artifact.id for name, artifact in execution.outputs.items()},
            }
            for execution in executions
        ],
        "artifacts": [
            {
                "id": artifact.id,
                "type": artifact.type,
                "node": execution.node,
                "output": name,
                "uri": artifact.uri,
                "digest": artifact.digest,
                "manifest": artifact.manifest_digest,
            }
            for execution in executions
            for name, artifact in execution.outputs.items()
        ],
        "parameters": behind["parameters"],
        "metrics": json.loads(
            str(by_node["Evaluator"].outputs["evaluation"].properties["metrics"])
        ),
        "corpus": behind["corpus"],
        "code": {name: behind["code"][name] for name in ("commit", "digest")},
        "base_model": base_model,
    }


def pushed_artifact(store: StoreReader, version: str) -> StoredArtifact:
    """The newest artifact in the store that stands for a pushed version. Raises InputError without one."""
    for artifact in store.artifacts("PushedModel"):
        # One without digests is of a push that died before it was recorded; the next run completes it.
        if str(artifact.properties.get("pushed_version", "")) == version and artifact.digest:
            return artifact
    raise InputError(
        f"version {version}: the metadata store does not know it; was it pushed from here?"
    )
