"""Writing the store: runs, what is known of an execution beyond TFX's own record, and reuse."""

import time
from collections.abc import Iterator, Mapping

from ml_metadata import errors
from ml_metadata.proto import metadata_store_pb2 as pb

from pipeline.store.reading import StoreReader
from pipeline.store.records import (
    NODE,
    PIPELINE,
    RUN,
    StoredArtifact,
    StoredExecution,
    StoredRun,
    properties_of,
    set_properties,
)


class Store(StoreReader):
    """Reads and writes executions, artifacts, events and contexts of one pipeline."""

    # Runs

    def start_run(self, run_id: str, properties: Mapping[str, str | float]) -> StoredRun:
        """Register a run; an existing one of the same id is taken up (a container of the same run)."""
        existing = self.run(run_id)
        if existing is not None:
            return existing
        context = pb.Context(type_id=self._context_type(RUN), name=run_id)
        set_properties(context, {"state": "running", "started": time.time(), **properties})
        try:
            (context_id,) = self._mlmd.put_contexts([context])
        except errors.AlreadyExistsError:
            context_id = self._mlmd.get_context_by_type_and_name(RUN, run_id).id
        return StoredRun(context_id, run_id, properties_of(context))

    def update_run(self, run_id: str, properties: Mapping[str, str | float]) -> None:
        """Set properties of a registered run."""
        context = self._mlmd.get_context_by_type_and_name(RUN, run_id)
        set_properties(context, properties)
        self._mlmd.put_contexts([context])

    # Executions

    def record_success(
        self,
        execution_id: int,
        properties: Mapping[str, str | float],
        outputs: Mapping[int, Mapping[str, str | int]],
    ) -> None:
        """Complete a COMPLETE execution's record: its key and ingredients, its outputs' digests by artifact id.

        The execution is written last: one without `node_key` is never reused.
        """
        artifacts = self._mlmd.get_artifacts_by_id(list(outputs))
        for artifact in artifacts:
            set_properties(artifact, outputs[artifact.id])
        if artifacts:
            self._mlmd.put_artifacts(artifacts)
        (execution,) = self._mlmd.get_executions_by_id([execution_id])
        set_properties(execution, properties)
        self._mlmd.put_executions([execution])

    def write_cached(
        self, run_id: str, source: StoredExecution, properties: Mapping[str, str | float]
    ) -> None:
        """Write the reuse of an execution as a CACHED one, with its events and the contexts of the run."""
        (original,) = self._mlmd.get_executions_by_id([source.id])
        cached = pb.Execution(type_id=original.type_id, last_known_state=pb.Execution.CACHED)
        set_properties(
            cached, {"node": source.node, "node_key": source.key, "reuses": source.id, **properties}
        )
        pairs = [
            *self._events(source.inputs, pb.Event.INPUT),
            *self._events(source.outputs, pb.Event.OUTPUT),
        ]
        contexts = [
            self._registered(PIPELINE, self.pipeline),
            self._registered(RUN, run_id),
            self._registered(NODE, f"{self.pipeline}.{source.node}"),
        ]
        self._mlmd.put_execution(cached, pairs, contexts)

    def close_execution(self, execution_id: int, abandoned: bool) -> None:
        """End an execution that its process left RUNNING: CANCELED and `abandoned`, or FAILED."""
        (execution,) = self._mlmd.get_executions_by_id([execution_id])
        states = pb.Execution
        execution.last_known_state = states.CANCELED if abandoned else states.FAILED
        if abandoned:
            set_properties(execution, {"abandoned": 1})
        self._mlmd.put_executions([execution])

    # Helpers

    def _events(
        self, artifacts: Mapping[str, StoredArtifact], kind: "pb.Event.Type"
    ) -> Iterator[tuple[pb.Artifact, pb.Event]]:
        for key, artifact in artifacts.items():
            (stored,) = self._mlmd.get_artifacts_by_id([artifact.id])
            event = pb.Event(type=kind, artifact_id=artifact.id)
            event.path.steps.add().key = key
            event.path.steps.add().index = 0
            yield stored, event

    def _context_type(self, name: str) -> int:
        return self._mlmd.put_context_type(pb.ContextType(name=name))

    def _registered(self, type_name: str, name: str) -> pb.Context:
        """A context, made where it is missing: a pipeline of a new name may reuse before it runs anything."""
        context = self._context(type_name, name)
        if context is None:
            context = pb.Context(type_id=self._context_type(type_name), name=name)
            (context.id,) = self._mlmd.put_contexts([context])
        return context
