"""What stands behind a model: executions walked back through what they read, each with its own ingredients."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.lineage import facts
from pipeline.manifests import content_root, removals, removed_at
from pipeline.store import StoredArtifact, StoredExecution, StoreReader
from preprocessing.base.digests import combine
from preprocessing.base.errors import InputError


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


def provenance(store: StoreReader, inputs: Mapping[str, StoredArtifact]) -> dict[str, Any]:
    """What stands behind the inputs of Attest, `model` among them: plain data without times, ids and paths.

    `nodes` is the graph: every execution with its own parameters, code and environment, and where its inputs come
    from. The rest is a short view of the model alone.
    """
    executions = executions_behind(store, inputs)
    producers = _producers(executions)
    return {
        **_model_view(store, inputs["model"]),
        "nodes": [
            {
                **_ingredients(execution),
                "inputs": {
                    name: {"digest": artifact.digest, **_source(artifact, producers)}
                    for name, artifact in sorted(execution.inputs.items())
                },
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


def show(store: StoreReader, pushed: StoredArtifact) -> dict[str, Any]:
    """Everything behind a pushed model, as `lineage show --json` prints it."""
    executions = executions_behind(store, {"pushed_model": pushed})
    made = [artifact for execution in executions for artifact in execution.outputs.values()]
    removed = removals(store, made)
    attest = _producer(store, _producer(store, pushed).inputs["attestation"])
    model, evaluation = attest.inputs["model"], attest.inputs["evaluation"]
    trainer, evaluator = _producer(store, model), _producer(store, evaluation)
    view = _model_view(store, model)
    if view["base_model"] is not None:
        view["base_model"]["uri"] = trainer.inputs["base_model"].uri
    corpus = _producer(store, _producer(store, trainer.inputs["examples"]).inputs["examples"])
    return {
        "model": {
            "version": str(pushed.properties["pushed_version"]),
            "uri": str(content_root(pushed)),
            "digest": model.digest,
            "trained_as": model.uri,
        },
        "nodes": [
            {
                "execution": execution.id,
                "seconds": execution.seconds,
                "finished": execution.properties.get("finished"),
                "machine": str(execution.properties.get("machine", "")),
                "reason": str(execution.properties.get("reason", "")),
                **_ingredients(execution),
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
                "collected": removed_at(removed, artifact, "collected"),
                "erased": removed_at(removed, artifact, "erased"),
            }
            for execution in executions
            for name, artifact in execution.outputs.items()
        ],
        "metrics": json.loads(str(evaluation.properties["metrics"])),
        **view,
        "corpus_report": facts.corpus_report(corpus),
        "training": facts.training(trainer),
        "decision": facts.decision(evaluator),
        "changed_parameters": facts.changed_parameters(view["parameters"]),
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


def _model_view(store: StoreReader, model: StoredArtifact) -> dict[str, Any]:
    """Corpus, base model, code, environment and parameters of a model, from what its Trainer and those before it read.

    What came after the model (its evaluation) has no part in it. Code and environment are the Trainer's own; a
    parameter that several of these nodes read is the one of the node nearest to the model.
    """
    trainer = _producer(store, model)
    corpus = _producer(store, _producer(store, trainer.inputs["examples"]).inputs["examples"])
    parameters: dict[str, Any] = {}
    for execution in (*executions_behind(store, trainer.inputs), trainer):
        parameters |= execution.ingredients["parameters"]
    index, base = corpus.outputs["index"].properties, trainer.inputs.get("base_model")
    code = _code(trainer)
    return {
        "corpus": {
            "task": corpus.ingredients["parameters"]["corpus.task"],
            "records": index["records"],
            "files": index["corpus_files"],
            "digest": corpus.ingredients["externals"]["corpus"],
        },
        "base_model": None if base is None else _base_model(_producer(store, base)),
        "code": {name: code[name] for name in ("commit", "digest")},
        "environment": dict(sorted(trainer.ingredients["environment"].items())),
        "parameters": dict(sorted(parameters.items())),
    }


def _base_model(importer: StoredExecution) -> dict[str, Any]:
    return {"digest": importer.ingredients["externals"]["base_model"]}


def _ingredients(execution: StoredExecution) -> dict[str, Any]:
    """What a node was made with, besides its inputs."""
    ingredients = execution.ingredients
    return {
        "node": execution.node,
        "key": execution.key,
        "parameters": dict(sorted(ingredients["parameters"].items())),
        "code": _code(execution),
        # A store gives properties back in any order.
        "environment": dict(sorted(ingredients["environment"].items())),
        "externals": dict(sorted(ingredients["externals"].items())),
    }


def _code(execution: StoredExecution) -> dict[str, Any]:
    files = execution.ingredients["code"]
    return {
        "commit": str(execution.properties.get("git_commit", "")),
        "digest": combine(files),
        "files": dict(sorted(files.items())),
    }


def _source(
    artifact: StoredArtifact, producers: Mapping[int, tuple[StoredExecution, str]]
) -> dict[str, str]:
    """Which execution an input comes from, and by which of its outputs; a champion's is another model's lineage."""
    if artifact.id not in producers:
        return {}
    execution, output = producers[artifact.id]
    return {"node": execution.node, "key": execution.key, "output": output}


def _producers(
    executions: Sequence[StoredExecution],
) -> dict[int, tuple[StoredExecution, str]]:
    return {
        artifact.id: (execution, output)
        for execution in executions
        for output, artifact in execution.outputs.items()
    }


def _producer(store: StoreReader, artifact: StoredArtifact) -> StoredExecution:
    producer = store.producer(artifact.id)
    if producer is None:
        raise InputError(
            f"artifact {artifact.id} at {artifact.uri}: the metadata store does not know what made it."
        )
    return producer
