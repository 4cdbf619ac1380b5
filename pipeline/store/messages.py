"""The messages of a store: listed newest first and page by page, and as the records that they stand for."""

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

from ml_metadata import errors
from ml_metadata.proto import metadata_store_pb2 as pb
from ml_metadata.proto import metadata_store_service_pb2 as service

from pipeline.store.names import NODE, Names
from pipeline.store.records import (
    StoredArtifact,
    StoredExecution,
    artifact_of,
    properties_of,
    state_of,
)
from pipeline.store.workspace_store import WorkspaceStore

OUTPUTS = (pb.Event.OUTPUT, pb.Event.DECLARED_OUTPUT, pb.Event.INTERNAL_OUTPUT)
INPUTS = (pb.Event.INPUT, pb.Event.DECLARED_INPUT, pb.Event.INTERNAL_INPUT)
PAGE = 20


class Messages:
    """What the reader of a store is made of. names: what contexts are called."""

    names: Names
    _mlmd: WorkspaceStore

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
        request.options.max_result_size = PAGE
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
                side = "out" if event.type in OUTPUTS else "in" if event.type in INPUTS else None
                # On a full disk SQLite may have kept an event and not its artifact.
                if side and event.path.steps and event.artifact_id in artifacts:
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
        try:
            contexts = self._mlmd.get_contexts_by_execution(execution_id)
        except errors.NotFoundError:
            # Somebody has put it in; ML Metadata calls one without contexts not found.
            contexts = []
        nodes = (self.names.node(context.name) for context in contexts if context.type == NODE)
        return next(nodes, "")

    @cached_property
    def _types(self) -> dict[int, str]:
        return {kind.id: kind.name for kind in self._mlmd.get_artifact_types()}

    @cached_property
    def _execution_types(self) -> dict[int, str]:
        return {kind.id: kind.name for kind in self._mlmd.get_execution_types()}

    def _context(self, type_name: str, name: str) -> pb.Context | None:
        try:
            return self._mlmd.get_context_by_type_and_name(type_name, name)
        except errors.NotFoundError:
            return None
