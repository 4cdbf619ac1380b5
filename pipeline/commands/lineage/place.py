"""Where the commands of lineage look: the store, the workspace and its pushed versions."""

from collections.abc import Callable
from functools import cached_property
from pathlib import Path

from pipeline import lineage
from pipeline.config import LoadedConfig
from pipeline.manifests import Manifests
from pipeline.store import StoredArtifact, StoreReader
from preprocessing.base.errors import InputError
from preprocessing.base.job_cache import JobCache
from preprocessing.base.staging import write_whole
from serving.versions import LATEST, Versions


class LineagePlace:
    """What is looked at; nothing of it is written, and nothing is opened before it is asked for."""

    def __init__(self, load: Callable[[], LoadedConfig]) -> None:
        """load: reads the configuration; raises InputError without one."""
        self._load = load

    @cached_property
    def loaded(self) -> LoadedConfig:
        """The configuration."""
        return self._load()

    @cached_property
    def store(self) -> StoreReader:
        """The metadata store."""
        return StoreReader(self.loaded.config.name, self.loaded.config.store, self.workspace)

    @property
    def versions(self) -> Versions:
        """The pushed versions."""
        return Versions(self.workspace / "serving")

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
        path = self.versions.resolve(model).resolve()
        if path.parent != self.versions.folder.resolve():
            raise InputError(f"{model}: not a pushed version; name `latest` or a version.")
        return lineage.pushed_artifact(self.store, path.name)

    def copied(self, model: str) -> Path | None:
        """The folder that MODEL names where it is none of this workspace, whether there is a configuration or not."""
        folder = Path(model).resolve()
        if model == LATEST or model.isdecimal() or not folder.is_dir():
            return None
        try:
            return None if folder.parent == self.versions.folder.resolve() else folder
        except InputError:
            return folder


def write_page(path: Path, html: str) -> None:
    """Write a page whole where `-o` says. Raises InputError where that cannot be."""
    if not path.absolute().parent.is_dir():
        raise InputError(f"-o {path}: its folder does not exist; make it first.")
    if path.suffix not in (".html", ".htm"):
        raise InputError(f"-o {path}: it is a page for a browser; name an .html file.")
    try:
        write_whole(path, html.encode())
    except OSError as error:
        raise InputError(
            f"-o {path}: cannot be written: {error.strerror}. Name another file."
        ) from error
