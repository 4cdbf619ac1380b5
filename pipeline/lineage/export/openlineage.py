"""OpenLineage 2-0-2: the run events of every node behind a model, START and COMPLETE, with its data in and out.

Our own facets begin with `gpt2tfx_`; their schemas and an example of each are `docs/schemas/openlineage-*`.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from pipeline.claims.slsa import time_text, without_names
from pipeline.lineage.export.exported import ExportedModel, Node
from preprocessing.base.digests import canonical_json
from preprocessing.base.errors import InputError

_NAMESPACE = "gpt2-tfx"
_OUTSIDE = "gpt2-tfx:outside"
_PRODUCER = "urn:gpt2-tfx:lineage:export:1"
_SPECIFICATION = "https://openlineage.io/spec"
# The types of artifacts that are models; OpenLineage knows files besides.
_MODELS = frozenset({"Model", "PushedModel"})


def events(model: ExportedModel) -> list[dict[str, Any]]:
    """The events in the order of the nodes. Raises InputError for a node of which no time was recorded."""
    return [event for node in model.shown["nodes"] for event in _of_node(model, node)]


def _of_node(model: ExportedModel, node: Node) -> Iterator[dict[str, Any]]:
    if node["finished"] is None:
        raise InputError(
            f"{node['node']} (execution {node['execution']}): the store does not say when it ran, and an event of "
            "OpenLineage has a time. Make the model again, or export another format."
        )
    run = {"runId": model.uuid(node["key"], node["finished"]), "facets": _run_facets(model, node)}
    job = {"namespace": _NAMESPACE, "name": node["node"], "facets": _job_facets()}
    times = {"START": node["finished"] - node["seconds"], "COMPLETE": node["finished"]}
    inputs, outputs = _inputs(model, node), _outputs(model, node)
    for kind, seconds in times.items():
        yield {
            "eventType": kind,
            "eventTime": time_text(seconds),
            "producer": _PRODUCER,
            "schemaURL": f"{_SPECIFICATION}/2-0-2/OpenLineage.json#/$defs/RunEvent",
            "run": run,
            "job": job,
            "inputs": inputs,
            "outputs": outputs if kind == "COMPLETE" else [],
        }


def _facet(name: str, version: str, **fields: Any) -> dict[str, Any]:
    """A facet of the specification."""
    url = f"{_SPECIFICATION}/facets/{version}/{name}.json#/$defs/{name}"
    return {"_producer": _PRODUCER, "_schemaURL": url, **fields}


def _own_facet(name: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    url = f"urn:gpt2-tfx:schema:openlineage-{name}:1"
    return {"_producer": _PRODUCER, "_schemaURL": url, **fields}


def _run_facets(model: ExportedModel, node: Node) -> dict[str, Any]:
    parameters = [
        {"key": key, "value": canonical_json(value)}
        for key, value in without_names(node["parameters"]).items()
    ]
    facets = {
        "parent": _facet(
            "ParentRunFacet",
            "1-2-0",
            run={"runId": model.uuid()},
            job={"namespace": _NAMESPACE, "name": "model"},
        ),
        "executionParameters": _facet(
            "ExecutionParametersRunFacet", "1-0-0", parameters=parameters
        ),
        "gpt2tfx_node": _own_facet(
            "node",
            {
                "key": node["key"],
                "seconds": node["seconds"],
                "machine": node["machine"],
                "commit": node["code"]["commit"],
                "code": node["code"]["digest"],
                "environment": node["environment"],
            },
        ),
    }
    training = model.shown["training"]
    if training is not None and node["key"] == model.trainer["key"]:
        facets["gpt2tfx_training"] = _own_facet("training", training)
    return facets


def _job_facets() -> dict[str, Any]:
    kind = {"processingType": "BATCH", "integration": "GPT2_TFX", "jobType": "NODE"}
    return {"jobType": _facet("JobTypeJobFacet", "2-0-4", **kind)}


def _inputs(model: ExportedModel, node: Node) -> list[dict[str, Any]]:
    """What a node read: outputs of the nodes before it, and what came from outside. A champion is another model's."""
    artifacts = {artifact["id"]: artifact for artifact in model.shown["artifacts"]}
    read = [
        _dataset(_NAMESPACE, _name(artifact), artifact["digest"], artifact["type"])
        for number in node["inputs"].values()
        if (artifact := artifacts.get(number))
    ]
    for name, digest in sorted(node["externals"].items()):
        if name == "champion":
            continue
        kind = "Model" if name == "base_model" else "File"
        dataset = _dataset(_OUTSIDE, name, digest, kind)
        if name == "corpus":
            statistics = _facet(
                "InputStatisticsInputDatasetFacet",
                "1-0-0",
                fileCount=model.shown["corpus"]["files"],
            )
            dataset["inputFacets"] = {"inputStatistics": statistics}
        read.append(dataset)
    return read


def _outputs(model: ExportedModel, node: Node) -> list[dict[str, Any]]:
    made = set(node["outputs"].values())
    return [_output(model, each) for each in model.shown["artifacts"] if each["id"] in made]


def _output(model: ExportedModel, artifact: Mapping[str, Any]) -> dict[str, Any]:
    dataset = _dataset(_NAMESPACE, _name(artifact), artifact["digest"], artifact["type"])
    if artifact["type"] == "PushedModel":
        statistics = _facet(
            "OutputStatisticsOutputDatasetFacet",
            "1-0-2",
            fileCount=len(model.files),
            size=sum(size for size, _ in model.files.values()),
        )
        dataset["outputFacets"] = {"outputStatistics": statistics}
    if artifact["type"] == "ModelEvaluation":
        decision = model.shown["decision"]
        scores = {
            "metrics": model.shown["metrics"],
            "intervals": decision["intervals"] if decision else {},
            "split": decision and decision["split"],
            "blessed": decision and decision["blessed"],
        }
        dataset["facets"]["gpt2tfx_scores"] = _own_facet("scores", scores)
    return dataset


def _dataset(namespace: str, name: str, digest: str, kind: str) -> dict[str, Any]:
    return {
        "namespace": namespace,
        "name": name,
        "facets": {
            "version": _facet("DatasetVersionDatasetFacet", "1-0-1", datasetVersion=digest),
            "datasetType": _facet(
                "DatasetTypeDatasetFacet",
                "1-0-1",
                datasetType="MODEL" if kind in _MODELS else "FILE",
                subType=kind,
            ),
        },
    }


def _name(artifact: Mapping[str, Any]) -> str:
    return f"{artifact['node']}/{artifact['output']}"
