"""The configuration as frozen dataclasses: what `pipeline.yaml` says, with a default for every key."""

import dataclasses
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

from components.options import EvaluationOptions, ValidationOptions
from preprocessing.base.ranges import Positive, Range, Whole
from preprocessing.options import CorpusOptions, TokenOptions
from trainer.options import GenerationOptions, ModelOptions, TrainingOptions


@dataclass(frozen=True)
class BeamOptions:
    """How the data jobs run.

    runner: of Beam's direct runner: `in_memory` works in the node's process, `multi_processing` in as many processes
        as there are cores; `auto` does the latter for a corpus that is worth their start.
    args: pipeline options that pass through to Apache Beam and win, such as `--runner=FlinkRunner`; see
        `docs/runners.md`.
    """

    runner: Literal["auto", "in_memory", "multi_processing"] = "auto"
    args: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class ResourceOptions:
    """What a container asks for in place of what the others do.

    cpu: cores, also a part of one; null is what the others ask for.
    memory: such as `16Gi`; null is what the others ask for.
    """

    cpu: Positive | None = None
    memory: str | None = None


@dataclass(frozen=True)
class KubeflowOptions:
    """How `compile kubeflow` describes the containers; see `docs/kubeflow.md`.

    image: the image that holds this project.
    claim: the PersistentVolumeClaim that every container mounts.
    mount: where every container mounts the claim.
    configuration: the configuration file on the claim; corpus and workspace lie relative to it.
    secrets: environment variable -> `secret/key` of Kubernetes, for what `store` takes from the environment.
    cpu: cores that each container asks for, also a part of one.
    memory: memory that each container asks for, such as `4Gi`.
    resources: by node, what its container asks for instead, such as `{Trainer: {cpu: 8, memory: 24Gi}}`.
    retries: how often Kubeflow starts a container again that failed, after 1, 2, 4 and at most 10 minutes.
    """

    image: str = "gpt2-tfx:latest"
    claim: str = "gpt2-tfx"
    mount: str = "/mnt/gpt2-tfx"
    configuration: str = "pipeline.yaml"
    secrets: dict[str, str] = field(default_factory=dict)
    cpu: Positive = 1.0
    memory: str = "4Gi"
    resources: dict[str, ResourceOptions] = field(default_factory=dict)
    retries: Whole = 2

    def requests(self, node: str) -> tuple[float, str]:
        """(cores, memory) that a node's container asks for."""
        own = self.resources.get(node, ResourceOptions())
        return own.cpu or self.cpu, own.memory or self.memory


@dataclass(frozen=True)
class NotifyOptions:
    """Whom `run` tells how it ended; see `docs/schedules.md`. None of this is recorded.

    command: a command line that gets a JSON document on its standard input, done without a shell.
    webhook: an `http://` or `https://` URL that the document is posted to; `$NAME` in it, or in place of it, stands for
        an environment variable (so that a secret never stands in a file).
    """

    command: str | None = None
    webhook: str | None = None


@dataclass(frozen=True)
class Config:
    """The whole configuration of a pipeline.

    name: the pipeline's name in the metadata store.
    workspace: folder of all state, relative to the configuration file.
    store: the ML Metadata store: null is SQLite in the workspace; else a `postgresql://`, `mariadb://` or `mysql://`
        URL, in which `$NAME` stands for an environment variable (so that a password never stands in a file).
    seed: the one seed that every random choice is derived from.
    """

    name: str = "gpt2"
    workspace: str = "workspace"
    store: str | None = None
    seed: Annotated[int, Range(least=0, below=2**63)] = 1
    corpus: CorpusOptions = field(default_factory=CorpusOptions)
    validation: ValidationOptions = field(default_factory=ValidationOptions)
    tokens: TokenOptions = field(default_factory=TokenOptions)
    model: ModelOptions = field(default_factory=ModelOptions)
    training: TrainingOptions = field(default_factory=TrainingOptions)
    generation: GenerationOptions = field(default_factory=GenerationOptions)
    evaluation: EvaluationOptions = field(default_factory=EvaluationOptions)
    beam: BeamOptions = field(default_factory=BeamOptions)
    kubeflow: KubeflowOptions = field(default_factory=KubeflowOptions)
    notify: NotifyOptions = field(default_factory=NotifyOptions)


@dataclass(frozen=True)
class LoadedConfig:
    """A configuration, the folder that its relative paths start from, and the --set flags that are in it."""

    config: Config
    folder: Path
    overrides: tuple[str, ...] = ()

    def path(self, value: str) -> Path:
        """A path of the configuration, made absolute from the configuration file's folder."""
        # Unlike Path.expanduser this leaves `~name` as it is where there is no such user.
        return (self.folder / os.path.expanduser(value)).absolute()

    @property
    def workspace(self) -> Path:
        return self.path(self.config.workspace)

    def resolved(self) -> dict[str, Any]:
        """Every value in force as plain data. It holds no secret: `store` is the text of the file."""
        return dataclasses.asdict(self.config)

    def flat(self) -> dict[str, Any]:
        """Every value in force by its dotted key (a section of free names, such as thresholds, is one value)."""
        values: dict[str, Any] = {}
        for name, value in self.resolved().items():
            if dataclasses.is_dataclass(getattr(self.config, name)):
                values |= {f"{name}.{key}": inner for key, inner in value.items()}
            else:
                values[name] = value
        return values

    def values(self, keys: Sequence[str]) -> dict[str, Any]:
        """The values of dotted keys; a key may name a whole section."""
        resolved = self.resolved()
        return {key: _lookup(resolved, key) for key in keys}


def _lookup(values: Mapping[str, Any], key: str) -> Any:
    found: Any = values
    for part in key.split("."):
        found = found[part]
    return found
