"""The ML Metadata store, as this pipeline reads and writes it (plain ml_metadata: no TFX, no TensorFlow)."""

import os
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import ml_metadata
from ml_metadata import errors
from ml_metadata.proto import metadata_store_pb2 as pb

from pipeline.keys import read_ingredients
from preprocessing.errors import InputError

# The context types of TFX, which its launcher registers with the same names.
PIPELINE, RUN, NODE = "pipeline", "pipeline_run", "node"
# Ours: one context for each node key, registered together with the execution.
KEY = "gpt2_tfx_key"

_OUTPUTS = (pb.Event.OUTPUT, pb.Event.DECLARED_OUTPUT, pb.Event.INTERNAL_OUTPUT)
_INPUTS = (pb.Event.INPUT, pb.Event.DECLARED_INPUT, pb.Event.INTERNAL_INPUT)
_ConnectionConfig: Any = pb.ConnectionConfig


@dataclass(frozen=True)
class StoredArtifact:
    """An artifact of the store: `digest` is canonical, `manifest_digest` is of the list of its files' digests."""

    id: int
    type: str
    uri: str
    properties: Mapping[str, str | int | float] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        return str(self.properties.get("digest", ""))

    @property
    def manifest_digest(self) -> str:
        return str(self.properties.get("manifest_digest", ""))


@dataclass(frozen=True)
class StoredExecution:
    """An execution with what it read and made."""

    id: int
    node: str
    state: str
    properties: Mapping[str, str | int | float]
    inputs: Mapping[str, StoredArtifact]
    outputs: Mapping[str, StoredArtifact]

    @property
    def key(self) -> str:
        return str(self.properties.get("node_key", ""))

    @property
    def ingredients(self) -> dict[str, Any]:
        return read_ingredients(self.properties)

    @property
    def seconds(self) -> float:
        return float(self.properties.get("seconds", 0.0))


@dataclass(frozen=True)
class StoredRun:
    """One run of the pipeline; `properties` hold state, started, finished (seconds since the epoch) and config."""

    id: int
    run_id: str
    properties: Mapping[str, str | int | float]


class Store:
    """Reads and writes executions, artifacts, events and contexts of one pipeline."""

    def __init__(self, pipeline: str, url: str | None, workspace: Path) -> None:
        self.pipeline = pipeline
        self.connection = connection_config(url, workspace)
        try:
            self._mlmd = ml_metadata.MetadataStore(self.connection)
        except (errors.StatusError, RuntimeError) as error:
            shown = (url or str(workspace / "metadata.sqlite")).split("@")[-1]
            raise InputError(f"store: cannot open the metadata store at {shown}: {error}") from None

    # Runs

    def start_run(self, run_id: str, properties: Mapping[str, str | float]) -> StoredRun:
        """Register a run; an existing one of the same id is taken up (a container of the same run)."""
        existing = self.run(run_id)
        if existing is not None:
            return existing
        context = pb.Context(type_id=self._context_type(RUN), name=run_id)
        _set_properties(context, {"state": "running", "started": time.time(), **properties})
        try:
            (context_id,) = self._mlmd.put_contexts([context])
        except errors.AlreadyExistsError:
            context_id = self._mlmd.get_context_by_type_and_name(RUN, run_id).id
        return StoredRun(context_id, run_id, _properties(context))

    def update_run(self, run_id: str, properties: Mapping[str, str | float]) -> None:
        """Set properties of a registered run."""
        context = self._mlmd.get_context_by_type_and_name(RUN, run_id)
        _set_properties(context, properties)
        self._mlmd.put_contexts([context])

    def run(self, run_id: str) -> StoredRun | None:
        """A run by its id."""
        context = self._context(RUN, run_id)
        return _stored_run(context) if context else None

    def runs(self, limit: int | None = None) -> list[StoredRun]:
        """This pipeline's runs, newest first."""
        try:
            contexts = self._mlmd.get_contexts_by_type(RUN)
        except errors.NotFoundError:
            return []
        found = [_stored_run(context) for context in sorted(contexts, key=lambda c: -c.id)]
        ours = [run for run in found if run.properties.get("pipeline") == self.pipeline]
        return ours[:limit]

    def executions_of_run(self, run_id: str) -> list[StoredExecution]:
        """The executions of a run in the order they were registered."""
        context = self._context(RUN, run_id)
        if context is None:
            return []
        return self._stored(self._mlmd.get_executions_by_context(context.id))

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
        context = self._context(NODE, f"{self.pipeline}.{node}")
        executions = self._mlmd.get_executions_by_context(context.id) if context else []
        if not executions:
            return None
        newest = max(executions, key=lambda execution: execution.id)
        return _state(newest)

    def execution(self, execution_id: int) -> StoredExecution:
        """An execution by its id."""
        return self._stored(self._mlmd.get_executions_by_id([execution_id]))[0]

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
            _set_properties(artifact, outputs[artifact.id])
        if artifacts:
            self._mlmd.put_artifacts(artifacts)
        (execution,) = self._mlmd.get_executions_by_id([execution_id])
        _set_properties(execution, properties)
        self._mlmd.put_executions([execution])

    def write_cached(
        self, run_id: str, source: StoredExecution, properties: Mapping[str, str | float]
    ) -> None:
        """Write the reuse of an execution as a CACHED one, with its events and the contexts of the run."""
        (original,) = self._mlmd.get_executions_by_id([source.id])
        cached = pb.Execution(type_id=original.type_id, last_known_state=pb.Execution.CACHED)
        _set_properties(
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
            _set_properties(execution, {"abandoned": 1})
        self._mlmd.put_executions([execution])

    def running(self, run_id: str) -> list[StoredExecution]:
        """The executions of a run that are registered as running."""
        return [e for e in self.executions_of_run(run_id) if e.state in ("RUNNING", "NEW")]

    # Artifacts

    def artifacts(self, type_name: str) -> list[StoredArtifact]:
        """Every artifact of a type, in order of id."""
        try:
            found = self._mlmd.get_artifacts_by_type(type_name)
        except errors.NotFoundError:
            return []
        return [_stored_artifact(a, type_name) for a in sorted(found, key=lambda a: a.id)]

    def producer(self, artifact_id: int) -> StoredExecution | None:
        """The COMPLETE execution that made an artifact; CACHED ones only say that it was used again."""
        events = self._mlmd.get_events_by_artifact_ids([artifact_id])
        ids = {event.execution_id for event in events if event.type in _OUTPUTS}
        executions = self._mlmd.get_executions_by_id(list(ids)) if ids else []
        complete = [e for e in executions if e.last_known_state == pb.Execution.COMPLETE]
        return self._stored(complete[:1])[0] if complete else None

    # Reading helpers

    def _complete(self, context_type: str, name: str) -> Iterator[StoredExecution]:
        context = self._context(context_type, name)
        executions = self._mlmd.get_executions_by_context(context.id) if context else []
        for execution in sorted(executions, key=lambda e: -e.id):
            recorded = "node_key" in execution.custom_properties
            if execution.last_known_state == pb.Execution.COMPLETE and recorded:
                yield self._stored([execution])[0]

    def _stored(self, executions: Sequence[pb.Execution]) -> list[StoredExecution]:
        events = self._mlmd.get_events_by_execution_ids([e.id for e in executions])
        artifacts = {
            artifact.id: _stored_artifact(artifact, artifact.type or self._types[artifact.type_id])
            for artifact in self._mlmd.get_artifacts_by_id(list({e.artifact_id for e in events}))
        }
        stored = []
        for execution in sorted(executions, key=lambda e: e.id):
            properties = _properties(execution)
            linked: dict[str, dict[str, StoredArtifact]] = {"in": {}, "out": {}}
            for event in (event for event in events if event.execution_id == execution.id):
                side = "out" if event.type in _OUTPUTS else "in" if event.type in _INPUTS else None
                if side and event.path.steps:
                    linked[side][event.path.steps[0].key] = artifacts[event.artifact_id]
            stored.append(
                StoredExecution(
                    id=execution.id,
                    node=str(properties.get("node") or self._node_of(execution.id)),
                    state=_state(execution),
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

    def _context(self, type_name: str, name: str) -> pb.Context | None:
        try:
            return self._mlmd.get_context_by_type_and_name(type_name, name)
        except errors.NotFoundError:
            return None

    def _registered(self, type_name: str, name: str) -> pb.Context:
        """A context, made where it is missing: a pipeline of a new name may reuse before it runs anything."""
        context = self._context(type_name, name)
        if context is None:
            context = pb.Context(type_id=self._context_type(type_name), name=name)
            (context.id,) = self._mlmd.put_contexts([context])
        return context


def connection_config(url: str | None, workspace: Path) -> pb.ConnectionConfig:
    """How to reach the store: SQLite in the workspace, or the database of a URL.

    `$NAME` in a URL is taken from the environment as it is (a password needs no quoting there). A relative path
    after `sqlite:///` starts from the workspace. Raises InputError for an unset variable or a broken URL.
    """
    config = _ConnectionConfig()
    if url is None or url.startswith("sqlite:///"):
        path = (
            workspace / "metadata.sqlite" if url is None else workspace / url[len("sqlite:///") :]
        )
        path.parent.mkdir(parents=True, exist_ok=True)
        config.sqlite.filename_uri = str(path)
        config.sqlite.connection_mode = pb.SqliteMetadataSourceConfig.READWRITE_OPENCREATE
        return config
    parts = urlsplit(_with_environment(url))
    database = unquote(parts.path.lstrip("/"))
    try:
        port = parts.port
    except ValueError:
        raise InputError(f"store: {url!r}: the port is not a number.") from None
    if parts.scheme == "postgresql":
        config.postgresql.host = parts.hostname or "127.0.0.1"
        config.postgresql.port = str(port or 5432)
        config.postgresql.user = unquote(parts.username or "")
        config.postgresql.password = unquote(parts.password or "")
        config.postgresql.dbname = database
    else:
        config.mysql.host = parts.hostname or "127.0.0.1"
        config.mysql.port = port or 3306
        config.mysql.user = unquote(parts.username or "")
        config.mysql.password = unquote(parts.password or "")
        config.mysql.database = database
    return config


def _with_environment(url: str) -> str:
    def value(match: re.Match[str]) -> str:
        name = match[1] or match[2]
        if name not in os.environ:
            raise InputError(f"store: {url!r} names ${name}, which is not set in the environment.")
        return quote(os.environ[name], safe=":")

    return re.sub(r"\$(?:(\w+)|\{(\w+)\})", value, url)


def _state(execution: pb.Execution) -> str:
    # TFX takes a canceled execution up again when a container is retried, with the mark still on it.
    canceled = execution.last_known_state == pb.Execution.CANCELED
    if canceled and "abandoned" in execution.custom_properties:
        return "ABANDONED"
    return pb.Execution.State.Name(execution.last_known_state)


def _stored_run(context: pb.Context) -> StoredRun:
    return StoredRun(context.id, context.name, _properties(context))


def _stored_artifact(artifact: pb.Artifact, type_name: str) -> StoredArtifact:
    return StoredArtifact(artifact.id, type_name, artifact.uri, _properties(artifact))


def _properties(node: Any) -> dict[str, str | int | float]:
    found = {}
    for values in (node.properties, node.custom_properties):
        for name, value in values.items():
            kind = value.WhichOneof("value")
            if kind in ("string_value", "int_value", "double_value"):
                found[name] = getattr(value, kind)
    return found


def _set_properties(node: Any, properties: Mapping[str, str | int | float]) -> None:
    for name, value in properties.items():
        if isinstance(value, str):
            node.custom_properties[name].string_value = value
        elif isinstance(value, int):
            node.custom_properties[name].int_value = value
        else:
            node.custom_properties[name].double_value = value
