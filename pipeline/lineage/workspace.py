"""A workspace as lineage is asked about it: its store, its pushed versions, and the questions."""

from collections.abc import Callable, Sequence
from contextlib import closing
from functools import cached_property
from pathlib import Path
from typing import Any

from pipeline.config import LoadedConfig
from pipeline.lineage.comparison import Comparison, diff
from pipeline.lineage.corpora import FoundRecord
from pipeline.lineage.provenance import pushed_artifact, show
from pipeline.lineage.pushed import pushed_models
from pipeline.lineage.trace import Query, Trace, trace, trained_on
from pipeline.lineage.verification import Verification, verify
from pipeline.manifests import Manifests
from pipeline.store import StoredArtifact, StoreReader
from preprocessing.base.errors import InputError
from preprocessing.base.job_cache import JobCache
from serving.versions import LATEST, Versions


class LineageWorkspace:
    """What is looked at; nothing of it is written, and nothing is opened before it is asked for.

    MODEL is `latest`, a pushed version or its folder; who names another gets an InputError.
    """

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

    def models(self) -> list[dict[str, Any]]:
        """Every pushed version, newest first, as `lineage list --json` has them."""
        return pushed_models(self.store, self.versions)

    def show(self, model: str = LATEST) -> dict[str, Any]:
        """Everything behind a model, as `lineage show --json` has it."""
        return show(self.store, self.pushed(model))

    def trace(self, query: Query) -> Trace:
        """Everything that a record has reached; see `of_name`, `of_text` and `of_digest`."""
        return trace(self.store, self.manifests, query)

    def trained_on(self, model: str = LATEST, limit: int = 1000) -> tuple[int, list[FoundRecord]]:
        """How many records a model was trained on, and the first of them."""
        return trained_on(self.store, self.manifests, self.pushed(model), limit)

    def diff(self, first: str, second: str = LATEST) -> Comparison:
        """What two models differ in."""
        return diff(self.store, self.manifests, self.pushed(first), self.pushed(second))

    def verify(self, model: str = LATEST) -> Verification:
        """Hash every file behind a model again, and look at the rows of the store."""
        with closing(JobCache(self.workspace).open_digests(writes=False)) as digests:
            return verify(self.loaded, self.store, digests, self.pushed(model))

    def pushed(self, model: str) -> StoredArtifact:
        """What the store knows of a pushed version. model: `latest`, a version or its folder. Raises InputError."""
        path = self.versions.resolve(model).resolve()
        if path.parent != self.versions.folder.resolve():
            raise InputError(f"{model}: not a pushed version; name `latest` or a version.")
        return pushed_artifact(self.store, path.name)

    def copied(self, model: str) -> Path | None:
        """The folder that MODEL names where it is none of this workspace, whether there is a configuration or not."""
        folder = Path(model).resolve()
        if model == LATEST or model.isdecimal() or not folder.is_dir():
            return None
        try:
            return None if folder.parent == self.versions.folder.resolve() else folder
        except InputError:
            return folder


def open_workspace(
    config: str | Path = "pipeline.yaml", overrides: Sequence[str] = ()
) -> LineageWorkspace:
    """The workspace of a configuration. overrides: as `--set` takes them, such as `workspace=elsewhere`."""

    def load() -> LoadedConfig:
        from pipeline.config_reading import load_config

        return load_config(Path(config), overrides)

    return LineageWorkspace(load)
