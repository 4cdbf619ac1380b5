"""Where the commands of lineage look: the store, the workspace and its pushed versions."""

from pathlib import Path

from pipeline import lineage
from pipeline.config import LoadedConfig
from pipeline.manifests import Manifests
from pipeline.store import StoredArtifact, StoreReader
from preprocessing.base.errors import InputError
from preprocessing.base.job_cache import JobCache
from serving.versions import Versions


class LineagePlace:
    """What is looked at; nothing of it is written."""

    def __init__(self, loaded: LoadedConfig) -> None:
        self.loaded = loaded
        self.store = StoreReader(loaded.config.name, loaded.config.store, loaded.workspace)
        self.versions = Versions(loaded.workspace / "serving")

    @property
    def workspace(self) -> Path:
        """The folder of all state."""
        return self.loaded.workspace

    @property
    def manifests(self) -> Manifests:
        """The manifests, for reading them; no file is hashed with what is remembered."""
        digests = JobCache(self.workspace).open_digests(writes=False)
        return Manifests(self.workspace / "manifests", digests)

    def pushed(self, model: str) -> StoredArtifact:
        """What the store knows of a pushed version. model: `latest`, a version or its folder. Raises InputError."""
        path = self.versions.resolve(model)
        if path.parent != self.versions.folder:
            raise InputError(f"{model}: not a pushed version; name `latest` or a version.")
        return lineage.pushed_artifact(self.store, path.name)
