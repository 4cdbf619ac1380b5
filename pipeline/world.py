"""What planning needs to know of this machine: the code, the store, the corpus, the pushed versions."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from pipeline.code_snapshot import LOCKS, CodeSnapshot, read_snapshot
from pipeline.config import LoadedConfig
from pipeline.described_changes import (
    described_definitions,
    described_files,
    described_packages,
)
from pipeline.externals import External
from pipeline.gpus import has_gpu, wants_gpu
from pipeline.keys import Ingredients, Reason
from pipeline.manifests import Manifests, content_root, decides_nothing, removals, removed_at
from pipeline.nodes import Node
from pipeline.outside_files import OutsideFiles
from pipeline.serving_history import champions, date, serving_events
from pipeline.store import StoredArtifact, StoredExecution, StoreReader
from preprocessing.base.digests import combine
from preprocessing.base.job_cache import JobCache
from serving.versions import Versions

NO_CHAMPION = "none"


class PipelineWorld:
    """One configuration's view of its workspace; it implements planning.World.

    check: do not trust the memory of file digests when outputs are looked at.
    writes: keep what is learned about files; without it, nothing is written and no workspace is made.
    """

    def __init__(
        self, loaded: LoadedConfig, store: StoreReader, check: bool = False, writes: bool = True
    ) -> None:
        self.loaded = loaded
        self.check = check
        self._writes = writes
        workspace = loaded.workspace
        self._code_folder = workspace / "code"
        self._code: CodeSnapshot | None = None
        self.store = store
        self.digests = JobCache(workspace).open_digests(writes)
        self.manifests = Manifests(workspace / "manifests", self.digests)
        self.versions = Versions(workspace / "serving")
        self._outside_files = OutsideFiles(workspace / "outside")
        self._earlier: dict[str, CodeSnapshot | None] = {}
        self._digest_of: dict[External, str | None] = {}
        self._tree_of: dict[External, dict[str, str]] = {}

    @property
    def code(self) -> CodeSnapshot:
        """The code as it was when it was first asked for."""
        if self._code is None:
            self._code = read_snapshot()
            self._code.recall(self._code_folder)
        return self._code

    def close(self) -> None:
        """Keep what was learned about files and sources."""
        self.digests.close()
        if self._writes and self._code is not None:
            self._code.keep(self._code_folder)

    def ingredients(self, node: Node, inputs: Mapping[str, str]) -> Ingredients:
        """What decides a node's result, given the canonical digests of its inputs."""
        return Ingredients(
            code=self.code.reached(node.component, node.files),
            parameters=self.loaded.values(node.parameters),
            inputs=dict(inputs),
            externals=self._external_digests(node) | self._champion_digest(node, inputs),
            environment=self.code.environment(wants_gpu(node, self.loaded.config) and has_gpu()),
        )

    def find(self, node: Node, key: str) -> StoredExecution | None:
        """The newest COMPLETE execution of a node under a key whose outputs lie in this workspace.

        Where none lies here, the newest that was recorded here.
        """
        own: StoredExecution | None = None
        for execution in self.store.under_key(node.name, key):
            if all(content_root(artifact).exists() for artifact in execution.outputs.values()):
                return execution
            if own is None and execution.workspace == self.store.names.workspace:
                own = execution
        return own

    def history(self, node: Node) -> Iterator[StoredExecution]:
        """The COMPLETE executions of a node, newest first."""
        return self.store.history(node.name)

    def what_changed(self, node: Node, earlier: StoredExecution, name: str) -> str:
        """The files of an external content, definitions of a source or packages of a lock that differ since then."""
        then = earlier.ingredients
        if name in then["code"] or name in LOCKS:
            before = self._earlier_code(str(earlier.properties.get("code", "")))
            if before is None:
                return ""
            if name in LOCKS:
                return described_packages(before.files[name], self.code.files[name])
            return described_definitions(
                before.definitions(node.component).get(name, {}),
                self.code.definitions(node.component).get(name, {}),
            )
        found = node.externals.get(name)
        if found is None or found not in self._tree_of:
            return ""
        kept = self._outside_files.read(then["externals"].get(name, ""))
        return "" if kept is None else described_files(kept, self.tree(found))

    def run_of(self, execution: StoredExecution) -> str:
        """The id of the run that launched an execution."""
        return self.store.run_id_of(execution.id)

    def keep_files(self, node: Node) -> None:
        """Remember of which files the external contents consist that a node has read."""
        for external in node.externals.values():
            if external in self._tree_of:
                self._outside_files.keep(self.tree(external))

    def last_state(self, node: Node) -> str | None:
        """The state of a node's newest execution."""
        return self.store.last_state(node.name)

    def why_unusable(self, node: Node, execution: StoredExecution) -> Reason | None:
        """Why the outputs of an execution cannot be used; None if they are intact."""
        for artifact in execution.outputs.values():
            if decides_nothing(artifact.type) and self._was_erased(artifact):
                # To write a page about a training again, nobody trains again.
                continue
            for mismatch in self.manifests.mismatches(artifact, trust_memory=not self.check):
                if not mismatch.actual:
                    return Reason("missing", self._missing(artifact, mismatch.path))
                what = "is not what was written" if mismatch.expected else "does not belong there"
                return Reason("corrupt", f"{mismatch.path} {what}")
        return None

    def _was_erased(self, artifact: StoredArtifact) -> bool:
        return removed_at(removals(self.store, [artifact]), artifact, "erased") is not None

    def _missing(self, artifact: StoredArtifact, path: str) -> str:
        removal = removals(self.store, [artifact]).get(artifact.id)
        if removal is None:
            return f"{path} is gone"
        by = "collected by gc" if removal.cause == "collected" else "erased by a purge"
        return f"{artifact.uri} was {by} on {date(removal.time)}"

    def champion(self, candidate: str) -> StoredArtifact | None:
        """The pushed and intact model that a candidate (by its canonical digest) is compared with."""
        events = serving_events(self.store, self.versions)
        for artifact_id in champions(events, candidate):
            model = self.store.artifact(artifact_id)
            if next(self.manifests.mismatches(model), None) is None:
                return model
        return None

    def tree(self, external: External) -> dict[str, str]:
        """Name -> sha256 of the files of an external content whose digest is in keys."""
        return self._tree_of[external]

    def _earlier_code(self, digest: str) -> CodeSnapshot | None:
        """The code that an earlier run left in the workspace; None where it is gone or was changed."""
        if digest not in self._earlier:
            try:
                found = read_snapshot(self._code_folder / digest)
            except OSError:
                found = None
            self._earlier[digest] = found if found and found.digest == digest else None
        return self._earlier[digest]

    def _external_digests(self, node: Node) -> dict[str, str]:
        found = {name: self._external_digest(external) for name, external in node.externals.items()}
        return {name: digest for name, digest in found.items() if digest is not None}

    def _external_digest(self, external: External) -> str | None:
        if external not in self._digest_of:
            place = external.locate(self.loaded)
            if place is None:
                self._digest_of[external] = None
            elif external.digest is not None:
                self._digest_of[external] = external.digest(self.digests, place)
            else:
                self._tree_of[external] = self.code.shipped(Path(place)) or self.digests.tree(
                    Path(place)
                )
                self._digest_of[external] = combine(self._tree_of[external])
        return self._digest_of[external]

    def _champion_digest(self, node: Node, inputs: Mapping[str, str]) -> dict[str, str]:
        """Nothing while the candidate is not known, or where no champion is asked for."""
        if not node.champion or "model" not in inputs:
            return {}
        if self.loaded.config.evaluation.not_worse is None:
            return {}
        found = self.champion(inputs["model"])
        return {"champion": str(found.properties["model_digest"]) if found else NO_CHAMPION}
