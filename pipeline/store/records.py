"""What the store holds, as plain frozen records, and how ML Metadata's messages become them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from ml_metadata.proto import metadata_store_pb2 as pb

from pipeline.keys import read_ingredients

Properties = Mapping[str, str | int | float]


@dataclass(frozen=True)
class StoredArtifact:
    """An artifact of the store: `digest` is canonical, `manifest_digest` is of the list of its files' digests."""

    id: int
    type: str
    uri: str
    properties: Properties = field(default_factory=dict)

    @property
    def digest(self) -> str:
        return str(self.properties.get("digest", ""))

    @property
    def manifest_digest(self) -> str:
        return str(self.properties.get("manifest_digest", ""))

    @property
    def workspace(self) -> str:
        """The id of the workspace that it was recorded in."""
        return str(self.properties.get("workspace", ""))


@dataclass(frozen=True)
class StoredExecution:
    """An execution with what it read and made."""

    id: int
    node: str
    state: str
    properties: Properties
    inputs: Mapping[str, StoredArtifact]
    outputs: Mapping[str, StoredArtifact]

    @property
    def key(self) -> str:
        return str(self.properties.get("node_key", ""))

    @property
    def workspace(self) -> str:
        """The id of the workspace that it was recorded in."""
        return str(self.properties.get("workspace", ""))

    @property
    def record_digest(self) -> str:
        """See `row_digests`; empty where it was recorded by a version that made none."""
        return str(self.properties.get("record_digest", ""))

    @property
    def ingredients(self) -> dict[str, Any]:
        return read_ingredients(self.properties)

    @property
    def is_unfinished(self) -> bool:
        """Whether it runs, or is COMPLETE for TFX and has not been recorded yet."""
        return self.state in ("RUNNING", "NEW") or (self.state == "COMPLETE" and not self.key)

    @property
    def seconds(self) -> float:
        return float(self.properties.get("seconds", 0.0))


@dataclass(frozen=True)
class StoredRun:
    """One run of the pipeline; `properties` hold state, started, finished (seconds since the epoch) and config."""

    id: int
    run_id: str
    properties: Properties


@dataclass(frozen=True)
class StoredLease:
    """A generation of a lease; `properties` are its owner, its heartbeat and whether it was released."""

    id: int
    key: str
    generation: int
    properties: Properties

    @property
    def heartbeat(self) -> float:
        """Seconds since the epoch by the owner's clock."""
        return float(self.properties["heartbeat"])

    @property
    def released(self) -> bool:
        return self.properties.get("released") == 1

    @property
    def run_id(self) -> str:
        return str(self.properties["run"])


@dataclass(frozen=True)
class StoredEvent:
    """Something that was appended to what the store knows of a workspace: about serving, a collection, an erasure.

    kind: the type of the execution that stands for it. artifacts: the ids of those that it is about.
    """

    id: int
    kind: str
    state: str
    properties: Properties
    artifacts: tuple[int, ...]

    @property
    def number(self) -> int:
        """Its place among the events of the workspace, from 1."""
        return int(self.properties["number"])

    @property
    def record_digest(self) -> str:
        """See `row_digests`."""
        return str(self.properties.get("record_digest", ""))


COLLECTED: Literal["collected"] = "collected"
ERASED: Literal["erased"] = "erased"


class Removal(NamedTuple):
    """That the files of an artifact were removed. time: seconds since the epoch. cause: gc, or a purge."""

    time: float
    cause: Literal["collected", "erased"]


ServingEventKind = Literal["push", "promote", "rollback", "release", "found"]


@dataclass(frozen=True)
class ServingEvent:
    """Something that happened to the pushed versions of a workspace, or to the pointer `latest`.

    kind: `push`: a version was published. `promote`: a run let `latest` name it. `rollback`: a person did, and pinned
        it there. `release`: a person lifted the pin. `found`: `latest` named it, moved by other means.
    version: the version that the event is about. before: what `latest` named until then; empty if nothing.
    time: seconds since the epoch. cause: what made it happen, in words.
    happened: False where the process died before it was known to have happened.
    model, model_digest: the pushed model's id and canonical digest; 0 and empty where the store knows none.
    """

    id: int
    kind: ServingEventKind
    version: str
    before: str
    time: float
    cause: str
    happened: bool
    model: int
    model_digest: str


def serving_event_of(execution: pb.Execution) -> ServingEvent:
    """The event that an execution of our own type stands for."""
    properties: Mapping[str, Any] = properties_of(execution)
    return ServingEvent(
        id=execution.id,
        kind=properties["kind"],
        version=properties["version"],
        before=properties["before"],
        time=properties["time"],
        cause=properties["cause"],
        happened=execution.last_known_state == pb.Execution.COMPLETE,
        model=properties["model"],
        model_digest=properties["model_digest"],
    )


# The properties of a StoredErasure that say something of names and texts.
HASHED_BY_A_PURGE = frozenset({"name", "records", "key"})


@dataclass(frozen=True)
class StoredErasure:
    """That a record, a group of records or a file was asked to be erased; nothing of it shows a text or an id.

    time: seconds since the epoch. name: SHA-256 of the name that was asked for. records: SHA-256 of the source's bytes
    of each record. corpora: CorpusGen's execution -> how many of them are in its corpus, and in its training set.
    key: after a purge `name` and `records` are hashes under the key of this identity; empty before.
    """

    id: int
    time: float
    name: str
    records: tuple[str, ...]
    corpora: Mapping[int, tuple[int, int]]
    key: str = ""

    def to_properties(self) -> Properties:
        """As the store has it, without id and time."""
        return {
            "name": self.name,
            "records": json.dumps(self.records),
            "corpora": json.dumps({str(corpus): counts for corpus, counts in self.corpora.items()}),
            "key": self.key,
        }


def erasure_of(execution: pb.Execution) -> StoredErasure:
    """The erasure that an execution of our own type stands for."""
    properties: Mapping[str, Any] = properties_of(execution)
    return StoredErasure(
        execution.id,
        properties["time"],
        properties["name"],
        tuple(json.loads(properties["records"])),
        {int(k): (v[0], v[1]) for k, v in json.loads(properties["corpora"]).items()},
        properties.get("key", ""),
    )


def state_of(execution: pb.Execution) -> str:
    """An execution's state by its name, `ABANDONED` for one whose owner died."""
    # TFX takes a canceled execution up again when a container is retried, with the mark still on it.
    canceled = execution.last_known_state == pb.Execution.CANCELED
    if canceled and "abandoned" in execution.custom_properties:
        return "ABANDONED"
    return pb.Execution.State.Name(execution.last_known_state)


def run_of(context: pb.Context, run_id: str) -> StoredRun:
    """The run that a context stands for."""
    return StoredRun(context.id, run_id, properties_of(context))


def artifact_of(artifact: pb.Artifact, type_name: str) -> StoredArtifact:
    """An artifact of ML Metadata as a record."""
    return StoredArtifact(artifact.id, type_name, artifact.uri, properties_of(artifact))


def properties_of(node: Any) -> dict[str, str | int | float]:
    """The plain properties of an execution, artifact or context."""
    found = {}
    for values in (node.properties, node.custom_properties):
        for name, value in values.items():
            kind = value.WhichOneof("value")
            if kind in ("string_value", "int_value", "double_value"):
                found[name] = getattr(value, kind)
    return found


def set_properties(node: Any, properties: Properties) -> None:
    """Set plain properties of an execution, artifact or context."""
    for name, value in properties.items():
        if isinstance(value, str):
            node.custom_properties[name].string_value = value
        elif isinstance(value, int):
            node.custom_properties[name].int_value = value
        else:
            node.custom_properties[name].double_value = value
