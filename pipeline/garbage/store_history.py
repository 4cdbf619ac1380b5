"""The history of a workspace as its store, its manifests and its pushed versions tell it."""

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path

from pipeline.garbage.picture import Run, RunState, Version
from pipeline.manifests import Manifests
from pipeline.run_record import is_over
from pipeline.serving_history import pin, serving_events
from pipeline.store import StoredArtifact, StoredExecution, StoredRun, StoreReader
from serving.versions import Versions

# Rows of these are put by as shards.
_OF_SHARDS = "Examples"


class StoreHistory:
    """It implements picture.History."""

    def __init__(self, store: StoreReader, workspace: Path, manifests: Manifests) -> None:
        self._store = store
        self._workspace = workspace
        self._manifests = manifests

    def runs(self) -> Sequence[Run]:
        """The runs of every pipeline of the workspace, newest first."""
        return self._runs

    def executions(self, run_id: str) -> Sequence[StoredExecution]:
        """What a run has made or used again, recorded."""
        return [
            execution
            for execution in self._store.executions_of_run(run_id)
            if execution.key and execution.state in ("COMPLETE", "CACHED")
        ]

    def keys_begun(self, run_id: str) -> Iterable[str]:
        """The keys under which a run has launched nodes."""
        return [key for _, key in self._store.keys_begun(run_id)]

    def versions(self) -> Mapping[str, Version]:
        """The pushed versions that are there, staged ones too."""
        return self._versions

    def producer(self, artifact_id: int) -> StoredExecution | None:
        """The execution that made an artifact."""
        return self._store.producer(artifact_id)

    def place(self, artifact: StoredArtifact) -> str | None:
        """The path of an artifact in the workspace; None where it lies elsewhere."""
        path = Path(artifact.uri)
        if not path.is_relative_to(self._workspace):
            return None
        return path.relative_to(self._workspace).as_posix()

    def file_digests(self, artifact: StoredArtifact) -> Iterable[str]:
        """The sha256 of the files of an artifact of examples; nothing for others."""
        manifest = None
        if artifact.type == _OF_SHARDS:
            manifest = self._manifests.read(artifact.manifest_digest)
        return [digest for _, digest in manifest.files.values()] if manifest else []

    @cached_property
    def _runs(self) -> list[Run]:
        return [self._run(stored) for stored in self._store.runs_of_all_pipelines()]

    def _run(self, stored: StoredRun) -> Run:
        properties = stored.properties
        states: dict[str, RunState] = {"complete": "complete", "running": "running"}
        state = states.get(str(properties["state"]), "broken off")
        if state == "running" and is_over(self._store, stored):
            state = "broken off"
        return Run(
            stored.run_id,
            str(properties.get("pipeline", "")),
            state,
            float(properties["started"]),
            str(properties.get("code", "")),
        )

    @cached_property
    def _versions(self) -> dict[str, Version]:
        folder = Versions(self._workspace / "serving")
        found: dict[str, list[StoredArtifact]] = {
            name: [] for name in (*folder.names(), *folder.staged())
        }
        if not found:
            return {}
        for artifact in self._store.artifacts("PushedModel"):
            version = str(artifact.properties.get("pushed_version", ""))
            if version in found:
                found[version].append(artifact)
        latest, pinned = folder.latest(), pin(serving_events(self._store, folder))
        reasons = {latest: "it is pushed, and `latest` names it"}
        if pinned is not None:
            reasons[pinned.version] = f"it is pushed, and pinned by {pinned.cause}"
        return {
            name: Version(artifacts, reasons.get(name, "it is pushed"))
            for name, artifacts in found.items()
        }
