"""Reading the store. What may be long comes newest first and page by page, so that a reader pays for what it takes."""

from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any

from ml_metadata import errors
from ml_metadata.proto import metadata_store_pb2 as pb
from ml_metadata.proto import metadata_store_service_pb2 as service

from pipeline.store.connection import connection_config, open_store
from pipeline.store.records import (
    KEY,
    NODE,
    RUN,
    StoredArtifact,
    StoredExecution,
    StoredRun,
    artifact_of,
    properties_of,
    run_of,
    state_of,
)

_OUTPUTS = (pb.Event.OUTPUT, pb.Event.DECLARED_OUTPUT, pb.Event.INTERNAL_OUTPUT)
_INPUTS = (pb.Event.INPUT, pb.Event.DECLARED_INPUT, pb.Event.INTERNAL_INPUT)
_PAGE = 20


class StoreReader:
    """Reads executions, artifacts, events and contexts of one pipeline."""

    def __init__(self, pipeline: str, url: str | None, workspace: Path) -> None:
        self.pipeline = pipeline
        self.connection = connection_config(url, workspace)
        self._mlmd = open_store(self.connection)

    # Runs

    def run(self, run_id: str) -> StoredRun | None:
        """A run by its id."""
        context = self._context(RUN, run_id)
        return run_of(context) if context else None

    def runs(self, limit: int | None = None) -> list[StoredRun]:
        """This pipeline's runs, newest first."""
        request = service.GetContextsByTypeRequest(type_name=RUN)
        runs = map(run_of, self._newest_first("GetContextsByType", "contexts", request))
        ours = (run for run in runs if run.properties.get("pipeline") == self.pipeline)
        return list(islice(ours, limit))

    def executions_of_run(self, run_id: str) -> list[StoredExecution]:
        """The executions of a run in the order they were registered."""
        context = self._context(RUN, run_id)
        if context is None:
            return []
        return self._stored(self._mlmd.get_executions_by_context(context.id))

    def running(self, run_id: str) -> list[StoredExecution]:
        """The executions of a run that are registered as running."""
        return [e for e in self.executions_of_run(run_id) if e.state in ("RUNNING", "NEW")]

    # Executions

    def find(self, node: str, key: str) -> StoredExecution | None:
        """The newest COMPLETE and recorded execution of a node under a key."""
        found = self._complete(KEY, f"{node}:{key}")
        return next((execution for execution in found if execution.key == key), None)

    def history(self, node: str) -> Iterator[StoredExecution]:
        """The COMPLETE and recorded executions of a node, newest first."""
        return self._complete(NODE, f"{self.pipeline}.{node}")

    def last_state(self, node: str) -> str | None:
        """The state of the newest execution of a node, `abandoned` for one whose owner died; None if none."""
        newest = next(self._executions(NODE, f"{self.pipeline}.{node}"), None)
        return None if newest is None else state_of(newest)

    def execution(self, execution_id: int) -> StoredExecution:
        """An execution by its id."""
        return self._stored(self._mlmd.get_executions_by_id([execution_id]))[0]

    def producer(self, artifact_id: int) -> StoredExecution | None:
        """The COMPLETE execution that made an artifact; CACHED ones only say that it was used again."""
        events = self._mlmd.get_events_by_artifact_ids([artifact_id])
        ids = {event.execution_id for event in events if event.type in _OUTPUTS}
        executions = self._mlmd.get_executions_by_id(list(ids)) if ids else []
        complete = [e for e in executions if e.last_known_state == pb.Execution.COMPLETE]
        return self._stored(complete[:1])[0] if complete else None

    # Artifacts

    def artifacts(self, type_name: str) -> Iterator[StoredArtifact]:
        """Every artifact of a type, newest first."""
        request = service.GetArtifactsByTypeRequest(type_name=type_name)
        for artifact in self._newest_first("GetArtifactsByType", "artifacts", request):
            yield artifact_of(artifact, type_name)

    # Helpers

    def _complete(self, context_type: str, name: str) -> Iterator[StoredExecution]:
        for execution in self._executions(context_type, name):
            recorded = "node_key" in execution.custom_properties
            if execution.last_known_state == pb.Execution.COMPLETE and recorded:
                yield self._stored([execution])[0]

    def _executions(self, context_type: str, name: str) -> Iterator[pb.Execution]:
        """The executions of a context, newest first."""
        context = self._context(context_type, name)
        if context is not None:
            request = service.GetExecutionsByContextRequest(context_id=context.id)
            yield from self._newest_first("GetExecutionsByContext", "executions", request)

    def _newest_first(self, method: str, field: str, request: Any) -> Iterator[Any]:
        """What a request lists, in pages: the methods of ml_metadata take no options, or return all there is."""
        request.options.max_result_size = _PAGE
        request.options.order_by_field.field = pb.ListOperationOptions.OrderByField.ID
        request.options.order_by_field.is_asc = False
        while True:
            response = getattr(service, f"{method}Response")()
            self._mlmd._call(method, request, response)
            yield from getattr(response, field)
            if not response.next_page_token:
                return
            request.options.next_page_token = response.next_page_token

    def _stored(self, executions: Sequence[pb.Execution]) -> list[StoredExecution]:
        events = self._mlmd.get_events_by_execution_ids([e.id for e in executions])
        artifacts = {
            artifact.id: artifact_of(artifact, artifact.type or self._types[artifact.type_id])
            for artifact in self._mlmd.get_artifacts_by_id(list({e.artifact_id for e in events}))
        }
        stored = []
        for execution in sorted(executions, key=lambda e: e.id):
            properties = properties_of(execution)
            linked: dict[str, dict[str, StoredArtifact]] = {"in": {}, "out": {}}
            for event in (event for event in events if event.execution_id == execution.id):
                side = "out" if event.type in _OUTPUTS else "in" if event.type in _INPUTS else None
                if side and event.path.steps:
                    linked[side][event.path.steps[0].key] = artifacts[event.artifact_id]
            stored.append(
                StoredExecution(
                    id=execution.id,
                    node=str(properties.get("node") or self._node_of(execution.id)),
                    state=state_of(execution),
                    properties=properties,
                    inputs=linked["in"],
                    outputs=linked["out"],
                )
            )
        return stored

    def _node_of(self, execution_id: int) -> str:
        for context in self._mlmd.get_contexts_by_execution(execution_id):
            if context.type == NODE:
                return context.name.removeprefix(f"{self.pipeline}.")
        return ""

    @cached_property
    def _types(self) -> dict[int, str]:
        return {kind.id: kind.name for kind in self._mlmd.get_artifact_types()}

    def _context(self, type_name: str, name: str) -> pb.Context | None:
        try:
            return self._mlmd.get_context_by_type_and_name(type_name, name)
        except errors.NotFoundError:
            return None
