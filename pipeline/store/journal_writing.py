"""Writing the journal of a workspace: an event is what happened to serving, or what gc, an erasure or a purge did."""

import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from ml_metadata import errors
from ml_metadata.proto import metadata_store_pb2 as pb

from pipeline.store.names import COLLECTION, ERASURE, JOURNAL, PURGE, SERVING
from pipeline.store.reading import StoreReader
from pipeline.store.records import (
    Properties,
    ServingEventKind,
    StoredArtifact,
    StoredErasure,
    StoredEvent,
    set_properties,
)
from pipeline.store.row_digests import as_kept, event_digest


class JournalWriter(StoreReader):
    """Appends to the journal; and makes what every record needs: contexts, and events about artifacts."""

    def __init__(self, pipeline: str, url: str | None, workspace: Path) -> None:
        super().__init__(pipeline, url, workspace)
        self._context_types: dict[str, int] = {}

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

    def _context_type(self, name: str) -> int:
        if name not in self._context_types:
            self._context_types[name] = self._mlmd.put_context_type(pb.ContextType(name=name))
        return self._context_types[name]

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


def _follows(last: StoredEvent | None) -> Properties:
    """What an event holds of the one before it: its digest, and the state in which it was settled, if it was."""
    if last is None:
        return {"number": 1, "after": "", "after_state": ""}
    settled = last.state if last.state != "RUNNING" else ""
    return {"number": last.number + 1, "after": last.record_digest, "after_state": settled}
