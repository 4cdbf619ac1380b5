"""What a workspace holds, and what its history says is needed, as plain values: `keeping` decides from nothing else."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol

from pipeline.store import StoredArtifact, StoredExecution

NeedKind = Literal[
    "run",
    "version",
    "execution",
    "artifact",
    "place",
    "manifest",
    "file",
    "content",
    "code",
    "outside",
    "key",
]


class Need(NamedTuple):
    """Something that a run or a pushed version needs, directly or through others that it needs.

    kind, name: a `run`, an `execution` or an `artifact` by its id; a pushed `version`; the `place` of an artifact, its
    path in the workspace; a `manifest`, a `file`, the `content` of an artifact, a snapshot of `code` or a tree from
    `outside` by its digest; the node `key` under which something was begun.
    """

    kind: NeedKind
    name: str


ItemKind = Literal[
    "artifact",
    "checkpoints",
    "shard",
    "job memory",
    "code",
    "outside",
    "manifest",
    "scores",
    "logs",
    "system",
    "leftover",
]
# What a job makes for later ones, also where it does not come to its end.
JOB_CACHES: frozenset[ItemKind] = frozenset({"shard", "job memory", "scores"})


@dataclass(frozen=True)
class FileEntry:
    """A file of an item. identity: device and inode, which its `links` share. size: bytes."""

    identity: tuple[int, int]
    links: int
    size: int


@dataclass(frozen=True)
class Item:
    """A file or folder of a workspace that is kept or removed as a whole.

    path: posix, relative to the workspace. serves: the item is of use where all of these are needed; nothing needs one
    that serves nothing. changed: when the newest of its files was, in seconds since the epoch.
    """

    path: str
    kind: ItemKind
    serves: frozenset[Need]
    changed: float
    files: tuple[FileEntry, ...] = ()


RunState = Literal["complete", "running", "broken off"]


@dataclass(frozen=True)
class Version:
    """A pushed version. artifacts: those of the store that stand for it. reason: why it is kept, in words."""

    artifacts: Sequence[StoredArtifact]
    reason: str = "it is pushed"


@dataclass(frozen=True)
class Run:
    """A run of one of the pipelines of a workspace.

    started: seconds since the epoch. code: the digest of its snapshot.
    """

    run_id: str
    pipeline: str
    state: RunState
    started: float
    code: str = ""


class History(Protocol):
    """What keeping asks of the store and the manifests of a workspace."""

    def runs(self) -> Sequence[Run]:
        """The runs of every pipeline of the workspace, newest first."""

    def executions(self, run_id: str) -> Sequence[StoredExecution]:
        """What a run has made or used again, recorded."""

    def keys_begun(self, run_id: str) -> Iterable[str]:
        """The keys under which a run has launched nodes."""

    def versions(self) -> Mapping[str, Version]:
        """The pushed versions that are there, by their names."""

    def producer(self, artifact_id: int) -> StoredExecution | None:
        """The execution that made an artifact."""

    def place(self, artifact: StoredArtifact) -> str | None:
        """The path of an artifact in the workspace; None where it lies elsewhere."""

    def file_digests(self, artifact: StoredArtifact) -> Iterable[str]:
        """The sha256 of the files of an artifact of examples; nothing for others."""
