"""Reading the store. What may be long comes newest first and page by page, so that a reader pays for what it takes."""

import sys
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import ClassVar

from ml_metadata.proto import metadata_store_pb2 as pb
from ml_metadata.proto import metadata_store_service_pb2 as service

from pipeline.store.connection import address, connection_config, require_exact_names
from pipeline.store.journal import JournalReader
from pipeline.store.messages import OUTPUTS, PAGE
from pipeline.store.names import (
    COLLECTION,
    ERASURE,
    KEY,
    LAYOUT,
    LEASE,
    NODE,
    PURGE,
    RUN,
    SERVING,
    Names,
    key_name,
    node_and_key,
    workspace_id,
)
from pipeline.store.records import (
    COLLECTED,
    ERASED,
    Removal,
    ServingEvent,
    StoredArtifact,
    StoredErasure,
    StoredExecution,
    StoredLease,
    StoredRun,
    artifact_of,
    erasure_of,
    properties_of,
    run_of,
    serving_event_of,
    state_of,
)
from pipeline.store.row_digests import execution_digest
from pipeline.store.workspace_store import WorkspaceStore
from preprocessing.base.errors import InputError

# What the records of a store look like: 1 had absolute paths and names that were of no workspace.
CURRENT_LAYOUT = 2


class StoreReader(JournalReader):
    """Reads executions, artifacts, events and contexts of one pipeline in one workspace; it changes no file.

    Raises InputError where the store cannot be opened, or is of a newer layout; FailureError where it fails later.
    """

    _read_only: ClassVar[bool] = True

    def __init__(self, pipeline: str, url: str | None, workspace: Path) -> None:
        self.connection = connection_config(url, workspace, self._read_only)
        self._workspace = workspace
        self._mlmd = self.connect()
        if not self._read_only:
            require_exact_names(self._mlmd, self.connection)
        self.layout = self._layout()
        if self.layout > CURRENT_LAYOUT:
            raise InputError(
                f"store: {address(self.connection)} has layout {self.layout} and this version of gpt2-tfx knows up "
                f"to {CURRENT_LAYOUT}: use the version that made it, or another store."
            )
        # A workspace in which nothing has run has no id, and sees nothing of the others in its store.
        own = workspace_id(workspace) or "none"
        self.names = Names(pipeline, own if self.layout == CURRENT_LAYOUT else "")

    def require_current_layout(self) -> None:
        """Raise InputError for a store of an older layout, which nothing is added to, with how to go on."""
        if self.layout < CURRENT_LAYOUT:
            raise InputError(
                f"store: {address(self.connection)} was made by an earlier version (layout {self.layout}). "
                "`status` and `lineage` still read it. To go on, name another `workspace` (and `store`, where "
                "one is set): everything is made anew there, and nothing here is changed."
            )

    def connect(self) -> WorkspaceStore:
        """Another connection, for another thread."""
        return WorkspaceStore(self.connection, self._workspace)

    def _layout(self) -> int:
        """The layout that the store says it has; 1, which said nothing, where it holds runs, else the current one."""
        marked = self._context(LAYOUT, LAYOUT)
        if marked is not None:
            return marked.custom_properties["version"].int_value
        request = service.GetContextsByTypeRequest(type_name=RUN)
        runs = islice(self._newest_first("GetContextsByType", "contexts", request), PAGE)
        return 1 if any("launched_by" in run.custom_properties for run in runs) else CURRENT_LAYOUT

    # Runs

    def run(self, run_id: str) -> StoredRun | None:
        """A run by its id."""
        context = self._context(RUN, self.names.of_run(run_id))
        return run_of(context, run_id) if context else None

    def runs(self, limit: int | None = None) -> list[StoredRun]:
        """The runs of this pipeline and workspace, newest first."""
        found = self.runs_of_all_pipelines()
        ours = (run for run in found if run.properties.get("pipeline") == self.names.pipeline)
        return list(islice(ours, limit and min(limit, sys.maxsize)))

    def runs_of_all_pipelines(self) -> Iterator[StoredRun]:
        """The runs of this workspace, newest first."""
        request = service.GetContextsByTypeRequest(type_name=RUN)
        for context in self._newest_first("GetContextsByType", "contexts", request):
            if self.names.is_run(context.name):
                yield run_of(context, self.names.run_id(context.name))

    def executions_of_run(self, run_id: str) -> list[StoredExecution]:
        """The executions of a run in the order they were registered."""
        context = self._context(RUN, self.names.of_run(run_id))
        if context is None:
            return []
        return self._stored(self._mlmd.get_executions_by_context(context.id))

    def unfinished(self, run_id: str) -> list[StoredExecution]:
        """The executions of a run that were not recorded as complete, and did not fail."""
        return [e for e in self.executions_of_run(run_id) if e.is_unfinished]

    def keys_begun(self, run_id: str) -> set[tuple[str, str]]:
        """Node and key of everything that a run has launched."""
        context = self._context(RUN, self.names.of_run(run_id))
        executions = self._mlmd.get_executions_by_context(context.id) if context else []
        return {
            node_and_key(context.name)
            for execution in executions
            for context in self._mlmd.get_contexts_by_execution(execution.id)
            if context.type == KEY
        }

    # Executions

    def under_key(self, node: str, key: str) -> Iterator[StoredExecution]:
        """The COMPLETE and recorded executions of a node under a key, of every workspace, newest first."""
        found = self._complete(KEY, key_name(node, key))
        return (execution for execution in found if execution.key == key)

    def history(self, node: str) -> Iterator[StoredExecution]:
        """The COMPLETE and recorded executions of a node, newest first."""
        return self._complete(NODE, self.names.of_node(node))

    def last_state(self, node: str) -> str | None:
        """The state of the newest execution of a node, `abandoned` for one whose owner died; None if none."""
        newest = next(self._executions(NODE, self.names.of_node(node)), None)
        return None if newest is None else state_of(newest)

    def execution(self, execution_id: int) -> StoredExecution:
        """An execution by its id."""
        return self._stored(self._mlmd.get_executions_by_id([execution_id]))[0]

    def run_id_of(self, execution_id: int) -> str:
        """The id of the run that launched an execution."""
        for context in self._mlmd.get_contexts_by_execution(execution_id):
            if context.type == RUN:
                return self.names.run_id(context.name)
        return ""

    def producer(self, artifact_id: int) -> StoredExecution | None:
        """The COMPLETE execution that made an artifact; CACHED ones only say that it was used again."""
        return next(iter(self.producers(artifact_id)), None)

    def producers(self, artifact_id: int) -> list[StoredExecution]:
        """All that are said to have made an artifact, oldest first: one, unless somebody has put a row in."""
        events = self._mlmd.get_events_by_artifact_ids([artifact_id])
        ids = {event.execution_id for event in events if event.type in OUTPUTS}
        executions = self._mlmd.get_executions_by_id(list(ids)) if ids else []
        return self._stored([e for e in executions if e.last_known_state == pb.Execution.COMPLETE])

    def makers(self, execution: StoredExecution) -> dict[str, str]:
        """Input of an execution -> the record digest of the execution that made it; empty where none says so."""
        made_by = {name: self.producer(artifact.id) for name, artifact in execution.inputs.items()}
        return {name: maker.record_digest if maker else "" for name, maker in made_by.items()}

    def record_digest(self, execution: StoredExecution) -> str:
        """The digest of an execution's row as it is now; `StoredExecution.record_digest` is what was recorded."""
        return execution_digest(execution, self.makers(execution), self._mlmd.portable)

    def readers(self, artifact_ids: Sequence[int]) -> list[StoredExecution]:
        """The COMPLETE and recorded executions that have read any of some artifacts, of every pipeline."""
        events = self._mlmd.get_events_by_artifact_ids(artifact_ids) if artifact_ids else []
        ids = {event.execution_id for event in events if event.type not in OUTPUTS}
        executions = self._mlmd.get_executions_by_id(list(ids)) if ids else []
        complete = [e for e in executions if e.last_known_state == pb.Execution.COMPLETE]
        return [execution for execution in self._stored(complete) if execution.key]

    # Artifacts

    def artifacts(self, type_name: str) -> Iterator[StoredArtifact]:
        """The recorded artifacts of a type in this workspace, newest first."""
        request = service.GetArtifactsByTypeRequest(type_name=type_name)
        for message in self._newest_first("GetArtifactsByType", "artifacts", request):
            artifact = artifact_of(message, type_name)
            if artifact.digest and artifact.workspace == self.names.workspace:
                yield artifact

    def artifact(self, artifact_id: int) -> StoredArtifact:
        """An artifact by its id."""
        (artifact,) = self._mlmd.get_artifacts_by_id([artifact_id])
        return artifact_of(artifact, artifact.type or self._types[artifact.type_id])

    def artifacts_at(self, paths: Iterable[Path]) -> list[StoredArtifact]:
        """The artifacts that were made at these places."""
        found = self._mlmd.get_artifacts_by_uri
        return [
            artifact_of(message, message.type or self._types[message.type_id])
            for path in paths
            for message in found(str(path))
        ]

    def removals(self, artifact_ids: Sequence[int]) -> dict[int, Removal]:
        """Artifact id -> what last removed its files here; those that nothing has are left out."""
        causes: dict[int, Removal] = {}
        for cause, kind, name in (
            (COLLECTED, COLLECTION, self.names.of_collections),
            (ERASED, PURGE, self.names.of_purges),
        ):
            context = self._context(kind, name) if artifact_ids else None
            found = self._mlmd.get_executions_by_context(context.id) if context else []
            for execution in found:
                removed = execution.custom_properties["time"].double_value
                causes[execution.id] = Removal(removed, cause)
        events = self._mlmd.get_events_by_artifact_ids(artifact_ids) if causes else []
        return dict(
            sorted(
                (event.artifact_id, causes[event.execution_id])
                for event in events
                if event.execution_id in causes
            )
        )

    # Erasures

    def erasures(self) -> Iterator[StoredErasure]:
        """What was asked to be erased from the corpora of this pipeline, newest first."""
        for execution in self._executions(ERASURE, self.names.of_erasures):
            yield erasure_of(execution)

    # Serving

    def serving_events(self) -> Iterator[ServingEvent]:
        """What happened to the pushed versions and the pointer of this workspace, newest first.

        One that never happened, since its process died before it, is left out once that is known.
        """
        for execution in self._executions(SERVING, self.names.of_serving):
            if execution.last_known_state != pb.Execution.CANCELED:
                yield serving_event_of(execution)

    # Leases

    def lease(self, key: str, generation: int) -> StoredLease | None:
        """A generation of a lease."""
        context = self._context(LEASE, self.names.of_lease(key, generation))
        return (
            None
            if context is None
            else StoredLease(context.id, key, generation, properties_of(context))
        )

    def newest_lease(self, key: str) -> StoredLease | None:
        """The last generation of a lease. They have no gaps, so it is found in steps that double, then halve."""
        newest, low, high = None, 0, 1
        while (found := self.lease(key, high)) is not None:
            newest, low, high = found, high, high * 2
        while high - low > 1:
            middle = (low + high) // 2
            found = self.lease(key, middle)
            if found is None:
                high = middle
            else:
                newest, low = found, middle
        return newest

    def lease_of(self, execution_id: int) -> StoredLease | None:
        """The lease under which an execution was launched, in the generation that it had then."""
        for context in self._mlmd.get_contexts_by_execution(execution_id):
            if context.type == LEASE:
                key, generation = self.names.lease(context.name)
                return StoredLease(context.id, key, generation, properties_of(context))
        return None
