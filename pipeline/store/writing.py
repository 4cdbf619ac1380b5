"""Writing the store: runs, what is known of an execution beyond TFX's own record, and reuse."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from ml_metadata import errors
from ml_metadata.proto import metadata_store_pb2 as pb

from pipeline.store.names import (
    COLLECTION,
    ERASURE,
    JOURNAL,
    LAYOUT,
    LEASE,
    NODE,
    PIPELINE,
    PURGE,
    RUN,
    SERVING,
    Names,
    give_workspace_id,
)
from pipeline.store.reading import CURRENT_LAYOUT, StoreReader
from pipeline.store.records import (
    Properties,
    ServingEventKind,
    StoredArtifact,
    StoredErasure,
    StoredEvent,
    StoredExecution,
    StoredLease,
    StoredRun,
    properties_of,
    run_of,
    set_properties,
)
from pipeline.store.row_digests import as_kept, event_digest


class Store(StoreReader):
    """Reads and writes; a store of an older layout is refused with what to do."""

    _read_only = False

    def __init__(self, pipeline: str, url: str | None, workspace: Path) -> None:
        super().__init__(pipeline, url, workspace)
        self._context_types: dict[str, int] = {}
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

    # Serving

    def begin_serving_event(
        self,
        kind: ServingEventKind,
        model: StoredArtifact | None,
        version: str,
        before: str,
        cause: str,
    ) -> int:
        """Write down what is about to happen to serving; returns the event's id, with which it is settled after."""
        properties: Properties = {
            "kind": kind,
            "version": version,
            "before": before,
            "cause": cause,
            "model": model.id if model else 0,
            "model_digest": str(model.properties["model_digest"]) if model else "",
        }
        about = [] if model is None else [model]
        return self._append(SERVING, self.names.of_serving, about, properties, pb.Execution.RUNNING)

    def settle_serving_event(self, event_id: int, happened: bool) -> None:
        """Say whether an event has happened."""
        (event,) = self._mlmd.get_executions_by_id([event_id])
        states = pb.Execution
        event.last_known_state = states.COMPLETE if happened else states.CANCELED
        self._mlmd.put_executions([event])

    # Collections

    def record_collection(
        self, artifacts: Sequence[StoredArtifact], properties: Properties
    ) -> None:
        """Write down what gc has removed: the artifacts whose files it took, and what else is to be said."""
        self._append(COLLECTION, self.names.of_collections, artifacts, properties)

    def record_erasure(self, indices: Sequence[StoredArtifact], properties: Properties) -> None:
        """Write down that an erasure was asked for; see StoredErasure. indices: of the corpora with the records."""
        self._append(ERASURE, self.names.of_erasures, indices, properties)

    def rewrite_erasure(self, erasure: StoredErasure, properties: Properties) -> None:
        """Say anew what is known of a request, since what it said must be kept no longer."""
        (event,) = self._mlmd.get_executions_by_id([erasure.id])
        set_properties(event, properties)
        self._mlmd.put_executions([event])
        kept = {text for each in self.erasures() for text in each.to_properties().values()}
        for text in set(erasure.to_properties().values()) - kept:
            self._mlmd.forget_value(str(text))

    def record_purge(self, artifacts: Sequence[StoredArtifact], properties: Properties) -> None:
        """Write down what a purge has removed: the artifacts whose files it took, and what else is to be said."""
        self._append(PURGE, self.names.of_purges, artifacts, properties)

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

    def _append(
        self,
        kind: str,
        context: str,
        about: Sequence[StoredArtifact],
        properties: Properties,
        state: "pb.Execution.State" = pb.Execution.COMPLETE,
    ) -> int:
        """Add an event of now to the journal, after the one that is the last when it is written; returns its id.

        about: artifacts, which become its inputs.
        """
        type_id = self._mlmd.put_execution_type(pb.ExecutionType(name=kind))
        read = list(
            self._events({str(artifact.id): artifact for artifact in about}, pb.Event.INPUT)
        )
        registered = self._registered(kind, context)
        while True:
            event = pb.Execution(type_id=type_id, last_known_state=state)
            last = next(self.journal(), None)
            now = as_kept({"time": time.time(), **properties, **_follows(last)})
            set_properties(event, now)
            made = StoredEvent(0, kind, "", now, tuple(artifact.id for artifact in about))
            set_properties(event, {"record_digest": event_digest(made)})
            name = self.names.of_event(made.number)
            place = pb.Context(type_id=self._context_type(JOURNAL), name=name)
            try:
                return self._mlmd.put_execution(event, read, [registered, place])[0]
            except errors.AlreadyExistsError:
                # Another writer was first, so this one comes after it.
                continue

    def _events(
        self, artifacts: Mapping[str, StoredArtifact], kind: "pb.Event.Type"
    ) -> Iterator[tuple[pb.Artifact, pb.Event]]:
        ids = [artifact.id for artifact in artifacts.values()]
        stored = {message.id: message for message in self._mlmd.get_artifacts_by_id(ids)}
        for key, artifact in artifacts.items():
            event = pb.Event(type=kind, artifact_id=artifact.id)
            event.path.steps.add().key = key
            event.path.steps.add().index = 0
            yield stored[artifact.id], event

    def _context_type(self, name: str) -> int:
        if name not in self._context_types:
            self._context_types[name] = self._mlmd.put_context_type(pb.ContextType(name=name))
        return self._context_types[name]

    def _new_lease(self, key: str, generation: int, owner: Properties) -> pb.Context:
        name = self.names.of_lease(key, generation)
        context = pb.Context(type_id=self._context_type(LEASE), name=name)
        set_properties(context, owner)
        return context

    def _update(self, context_id: int, type_id: int, name: str, properties: Properties) -> None:
        context = pb.Context(id=context_id, type_id=type_id, name=name)
        set_properties(context, properties)
        self._mlmd.put_contexts([context], [f"custom_properties.{key}" for key in properties])

    def _registered(
        self, type_name: str, name: str, properties: Properties | None = None
    ) -> pb.Context:
        """A context, made where it is missing: a pipeline of a new name may reuse before it runs anything."""
        context = self._context(type_name, name)
        if context is None:
            context = pb.Context(type_id=self._context_type(type_name), name=name)
            set_properties(context, properties or {})
            try:
                (context.id,) = self._mlmd.put_contexts([context])
            except errors.AlreadyExistsError:
                return self._mlmd.get_context_by_type_and_name(type_name, name)
        return context


def _follows(last: StoredEvent | None) -> Properties:
    """What an event holds of the one before it: its digest, and the state in which it was settled, if it was."""
    if last is None:
        return {"number": 1, "after": "", "after_state": ""}
    settled = last.state if last.state != "RUNNING" else ""
    return {"number": last.number + 1, "after": last.record_digest, "after_state": settled}
