"""Executions in ML Metadata as TFX's launcher writes them, made by hand."""

from collections.abc import Mapping
from typing import Any

import ml_metadata
from ml_metadata.proto import metadata_store_pb2 as pb

from pipeline.store import Store
from pipeline.store.names import KEY, LEASE, NODE, PIPELINE, RUN, key_name

Artifacts = Mapping[str, tuple[str, str]]


class TfxRecords:
    """Writes to the store of a pipeline through a connection of its own."""

    def __init__(self, store: Store) -> None:
        self._names = store.names
        self.mlmd = store.connect()

    def start(
        self,
        node: str,
        run_id: str,
        key: str,
        inputs: Mapping[str, int] | None = None,
        lease: tuple[str, int] | None = None,
    ) -> int:
        """Register a RUNNING execution in the contexts of pipeline, run, node and key; returns its id."""
        type_id = self.mlmd.put_execution_type(pb.ExecutionType(name=f"components.{node}"))
        execution = pb.Execution(type_id=type_id, last_known_state=pb.Execution.RUNNING)
        contexts = [
            self._context(PIPELINE, self._names.of_pipeline),
            self._context(RUN, self._names.of_run(run_id)),
            self._context(NODE, self._names.of_node(node)),
            self._context(KEY, key_name(node, key)),
        ]
        if lease is not None:
            contexts.append(self._context(LEASE, self._names.of_lease(*lease)))
        events = []
        for name, artifact_id in (inputs or {}).items():
            (artifact,) = self.mlmd.get_artifacts_by_id([artifact_id])
            events.append((artifact, _event(pb.Event.INPUT, name, artifact_id)))
        return self.mlmd.put_execution(execution, events, contexts)[0]

    def publish(
        self, execution_id: int, outputs: Artifacts, properties: Mapping[str, Any] | None = None
    ) -> dict[str, int]:
        """Make an execution COMPLETE with outputs (key -> type, uri); returns the ids of the artifacts."""
        (execution,) = self.mlmd.get_executions_by_id([execution_id])
        execution.last_known_state = pb.Execution.COMPLETE
        pairs = []
        for name, (type_name, uri) in outputs.items():
            type_id = self.mlmd.put_artifact_type(pb.ArtifactType(name=type_name))
            artifact = pb.Artifact(type_id=type_id, uri=uri, state=pb.Artifact.LIVE)
            for field, value in (properties or {}).items():
                if isinstance(value, int):
                    artifact.custom_properties[field].int_value = value
                else:
                    artifact.custom_properties[field].string_value = value
            pairs.append((artifact, _event(pb.Event.OUTPUT, name)))
        _, ids, _ = self.mlmd.put_execution(execution, pairs, [])
        return dict(zip(outputs, ids, strict=True))

    def fail(self, execution_id: int) -> None:
        (execution,) = self.mlmd.get_executions_by_id([execution_id])
        execution.last_known_state = pb.Execution.FAILED
        self.mlmd.put_executions([execution])

    def _context(self, type_name: str, name: str) -> pb.Context:
        type_id = self.mlmd.put_context_type(pb.ContextType(name=type_name))
        context = pb.Context(type_id=type_id, name=name)
        try:
            (context.id,) = self.mlmd.put_contexts([context])
        except ml_metadata.errors.AlreadyExistsError:
            return self.mlmd.get_context_by_type_and_name(type_name, name)
        return context


def _event(kind: Any, name: str, artifact_id: int | None = None) -> pb.Event:
    event = pb.Event(type=kind)
    if artifact_id is not None:
        event.artifact_id = artifact_id
    event.path.steps.add().key = name
    event.path.steps.add().index = 0
    return event


def complete(
    store: Store,
    node: str,
    key: str,
    run_id: str,
    outputs: Artifacts,
    inputs: Mapping[str, int] | None = None,
    digest: str = "d",
) -> tuple[int, dict[str, int]]:
    """A COMPLETE and recorded execution; returns its id and those of its outputs."""
    records = TfxRecords(store)
    execution_id = records.start(node, run_id, key, inputs)
    artifacts = records.publish(execution_id, outputs)
    store.record_success(
        execution_id,
        {"node": node, "node_key": key, "ingredient:code:a.py": '"c"', "seconds": 2.5},
        {
            artifact: {"digest": digest, "manifest_digest": f"m-{digest}"}
            for artifact in artifacts.values()
        },
    )
    return execution_id, artifacts
