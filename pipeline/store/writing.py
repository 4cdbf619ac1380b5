"""Writing the store: runs, leases, what is known of an execution beyond TFX's own record, and reuse."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from ml_metadata import errors
from ml_metadata.proto import metadata_store_pb2 as pb

from pipeline.store.journal_writing import JournalWriter
from pipeline.store.names import (
    LAYOUT,
    LEASE,
    NODE,
    PIPELINE,
    RUN,
    Names,
    give_workspace_id,
)
from pipeline.store.reading import CURRENT_LAYOUT
from pipeline.store.records import (
    Properties,
    StoredExecution,
    StoredLease,
    StoredRun,
    properties_of,
    run_of,
    set_properties,
)
from pipeline.store.row_digests import as_kept


class Store(JournalWriter):
    """Reads and writes; a store of an older layout is refused with what to do."""

    _read_only = False

    def __init__(self, pipeline: str, url: str | None, workspace: Path) -> None:
        super().__init__(pipeline, url, workspace)
        self.require_current_layout()
        self.names = Names(pipeline, give_workspace_id(workspace))
        self._registered(LAYOUT, LAYOUT, {"version": CURRENT_LAYOUT})

    # Runs

    def start_run(self, run_id: str, properties: Properties) -> StoredRun:
        """Register a run; an existing one of the same id is taken up (a container of the same run)."""
        context = pb.Context(type_id=self._context_type(RUN), name=self.names.of_run(run_id))
        set_properties(context, {"state": "running", "started": time.time(), **properties})
        existing = self.run(run_id)
        if existing is None:
            try:
                (context.id,) = self._mlmd.put_contexts([context])
            except errors.AlreadyExistsError:
                existing = self.run(run_id)
        return existing or run_of(context, run_id)

    def update_run(self, run_id: str, properties: Properties) -> None:
        """Set properties of a registered run; its others stay, whoever else sets them meanwhile."""
        context = self._mlmd.get_context_by_type_and_name(RUN, self.names.of_run(run_id))
        self._update(context.id, context.type_id, context.name, properties)

    # Leases

    def take_lease(self, key: str, generation: int, owner: Properties) -> StoredLease | None:
        """Make a generation of a lease; None if another has made it already."""
        context = self._new_lease(key, generation, owner)
        try:
            (context.id,) = self._mlmd.put_contexts([context])
        except errors.AlreadyExistsError:
            # Where the connection was lost it may have been this call that made it. A database may round its heartbeat.
            found = self.lease(key, generation)
            said = {name: value for name, value in owner.items() if name != "heartbeat"}
            return found if found and said.items() <= found.properties.items() else None
        return StoredLease(context.id, key, generation, owner)

    def update_lease(self, lease: StoredLease, properties: Properties) -> None:
        """Set properties of a lease."""
        name = self.names.of_lease(lease.key, lease.generation)
        self._update(lease.id, self._context_type(LEASE), name, properties)

    # Executions

    def record_success(
        self,
        execution_id: int,
        properties: Properties,
        outputs: Mapping[int, Properties],
        lease: StoredLease | None = None,
    ) -> bool:
        """Complete a COMPLETE execution's record: its key and ingredients, its outputs' digests by artifact id.

        lease: the generation of a lease that is made in the same transaction. Returns False, and nothing is written,
        where another has made it already.
        """
        (execution,) = self._mlmd.get_executions_by_id([execution_id])
        set_properties(execution, as_kept({"workspace": self.names.workspace, **properties}))
        artifacts = self._mlmd.get_artifacts_by_id(list(outputs))
        for artifact in artifacts:
            set_properties(artifact, {"workspace": self.names.workspace, **outputs[artifact.id]})
        said = {"record_digest": self._record_digest(execution, artifacts)}
        set_properties(execution, said)
        pairs = [(artifact, None) for artifact in artifacts]
        contexts = [self._new_lease(lease.key, lease.generation, lease.properties)] if lease else []
        try:
            self._mlmd.put_execution(execution, pairs, contexts)
        except errors.AlreadyExistsError:
            # Where the connection was lost it may have been this call that wrote it.
            return bool(self.execution(execution_id).key)
        return True

    def write_cached(self, run_id: str, source: StoredExecution, properties: Properties) -> None:
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
            self._registered(PIPELINE, self.names.of_pipeline),
            self._registered(RUN, self.names.of_run(run_id)),
            self._registered(NODE, self.names.of_node(source.node)),
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

    def _record_digest(self, execution: pb.Execution, outputs: Sequence[pb.Artifact]) -> str:
        """The digest of an execution as it will be when it and its outputs are written."""
        before, properties = self.execution(execution.id), properties_of(execution)
        written = {artifact.id: properties_of(artifact) for artifact in outputs}
        return self.record_digest(
            replace(
                before,
                node=str(properties.get("node") or before.node),
                properties=properties,
                outputs={
                    name: replace(
                        artifact, properties=written.get(artifact.id, artifact.properties)
                    )
                    for name, artifact in before.outputs.items()
                },
            )
        )

    def _new_lease(self, key: str, generation: int, owner: Properties) -> pb.Context:
        name = self.names.of_lease(key, generation)
        context = pb.Context(type_id=self._context_type(LEASE), name=name)
        set_properties(context, owner)
        return context

    def _update(self, context_id: int, type_id: int, name: str, properties: Properties) -> None:
        context = pb.Context(id=context_id, type_id=type_id, name=name)
        set_properties(context, properties)
        self._mlmd.put_contexts([context], [f"custom_properties.{key}" for key in properties])
