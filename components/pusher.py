"""Pusher: a blessed model and its provenance become a version of `serving/`."""

import json
import os
import shutil
from pathlib import Path
from typing import Any

from tfx import types
from tfx.components.pusher import executor
from tfx.dsl.components.base import base_component, executor_spec
from tfx.dsl.components.base.base_node import BaseNode
from tfx.types import artifact_utils, standard_component_specs
from tfx.types.channel import BaseChannel, Channel
from tfx.types.component_spec import ChannelParameter
from tfx.types.standard_artifacts import PushedModel

from components.artifacts import Attestation
from components.declared import Declared
from components.model_card import MODEL_CARD
from components.options import SERVING_VARIABLE
from preprocessing.base import progress
from preprocessing.base.digests import sha256_file, sha256_text
from serving.checksums import CHECKSUMS, as_checksums
from serving.versions import ADDED_LATER, PROVENANCE, Versions
from trainer.export_layout import (
    SAMPLING_DEFAULTS,
    defaults_as_text,
    write_sampling_defaults,
)
from trainer.options import GenerationOptions


class StagingExecutor(executor.Executor):
    """Stages the version, whose number comes from the execution's id in the store.

    The folder of the versions is a path of the machine and comes from the environment. The run publishes the version
    when the store knows it, and decides what `latest` names.
    """

    def Do(  # noqa: N802 - TFX's name
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Stage what was blessed; a version that holds the same already is named again."""
        self._log_startup(input_dict, output_dict, exec_properties)
        pushed = artifact_utils.get_single_instance(
            output_dict[standard_component_specs.PUSHED_MODEL_KEY]
        )
        if not self.CheckBlessing(input_dict):
            self._MarkNotPushed(pushed)
            progress.report(message="the model is not blessed, so it is not pushed")
            return
        model = artifact_utils.get_single_instance(input_dict[standard_component_specs.MODEL_KEY])
        attestation = artifact_utils.get_single_instance(input_dict["attestation"])
        versions = Versions(Path(os.environ[SERVING_VARIABLE]))
        defaults = read_defaults(exec_properties)
        source, provenance = Path(self.GetModelPath(input_dict)), Path(attestation.uri)
        version = same_version(versions, source, provenance, defaults)
        if version is None:
            version = new_version(versions, pushed)
            versions.stage(
                version, lambda folder: fill_version(folder, source, provenance, defaults, versions)
            )
        self._MarkPushed(pushed, str(versions.path(version)), version)
        pushed.set_string_custom_property(
            "model_digest", model.get_string_custom_property("digest")
        )


def read_defaults(exec_properties: dict[str, Any]) -> GenerationOptions:
    """What the pushed model is to generate with by itself."""
    custom = json.loads(exec_properties[standard_component_specs.CUSTOM_CONFIG_KEY])
    return GenerationOptions(**custom["sampling_defaults"])


def fill_version(
    folder: Path,
    model: Path,
    attestation: Path,
    defaults: GenerationOptions,
    versions: Versions,
) -> None:
    """Fill the folder of a version with a SavedModel, its sampling defaults, its provenance and their digests.

    What a version with the same model holds is linked, so that other defaults or another provenance cost small files;
    what none holds is copied, so that no change of a version reaches the artifact of the model.
    """
    twin = version_with_model(versions, model)
    for name in _files(model) - {SAMPLING_DEFAULTS}:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        if twin is None or not _link(twin / name, folder / name):
            shutil.copyfile(model / name, folder / name)
    write_sampling_defaults(folder, defaults)
    for document in (PROVENANCE, MODEL_CARD):
        shutil.copyfile(attestation / document, folder / document)
    digests = {name.as_posix(): sha256_file(folder / name) for name in _files(folder)}
    (folder / CHECKSUMS).write_text(as_checksums(digests), encoding="utf-8")


def version_with_model(versions: Versions, model: Path) -> Path | None:
    """The newest version whose files of the model are those of this one, byte for byte."""
    # Small files tell models apart: the index of the variables has a checksum of each.
    names = sorted(_files(model) - {SAMPLING_DEFAULTS}, key=lambda n: (model / n).stat().st_size)
    for folder in map(versions.path, reversed(versions.names())):
        if set(names) <= _files(folder) and all(_equal(folder / n, model / n) for n in names):
            return folder
    return None


def _equal(one: Path, other: Path) -> bool:
    same_size = one.stat().st_size == other.stat().st_size
    return same_size and sha256_file(one) == sha256_file(other)


def _link(source: Path, target: Path) -> bool:
    """Make a hard link; False where the file system has none."""
    try:
        os.link(source, target)
    except OSError:
        return False
    return True


def new_version(versions: Versions, pushed: types.Artifact) -> str:
    """The execution's id, which names the output folder too; a larger number where a store has begun anew.

    An id never repeats in a store, but pushed versions outlive a store that was lost.
    """
    execution = int(Path(pushed.uri).name)
    taken = (*versions.names(), *versions.staged())
    return str(max([execution, *(int(name) + 1 for name in taken)]))


def same_version(
    versions: Versions, model: Path, attestation: Path, defaults: GenerationOptions
) -> str | None:
    """The newest pushed version that holds this model, defaults and provenance, byte for byte, and nothing else."""
    # The provenance comes first: it is small, and differs for almost every other version.
    wanted = {Path(name): sha256_file(attestation / name) for name in (PROVENANCE, MODEL_CARD)}
    wanted |= {SAMPLING_DEFAULTS: sha256_text(defaults_as_text(defaults))}
    wanted |= {name: sha256_file(model / name) for name in _files(model) - set(wanted)}
    listed = as_checksums({name.as_posix(): digest for name, digest in wanted.items()})
    wanted |= {Path(CHECKSUMS): sha256_text(listed)}
    for version in reversed(versions.names()):
        folder = versions.path(version)
        if _files(folder) - {*map(Path, ADDED_LATER)} == set(wanted) and all(
            sha256_file(folder / name) == digest for name, digest in wanted.items()
        ):
            return version
    return None


def _files(folder: Path) -> set[Path]:
    return {path.relative_to(folder) for path in folder.rglob("*") if path.is_file()}


class PusherSpec(standard_component_specs.PusherSpec):
    """The stock Pusher's specification and the attestation that is pushed with the model."""

    INPUTS = {  # noqa: RUF012 - TFX reads a plain class attribute
        **standard_component_specs.PusherSpec.INPUTS,
        "attestation": ChannelParameter(type=Attestation),
    }


class Pusher(base_component.BaseComponent):
    """The stock Pusher with provenance and an executor that stages."""

    SPEC_CLASS = PusherSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(StagingExecutor)

    def __init__(
        self,
        model: BaseChannel,
        model_blessing: BaseChannel,
        attestation: BaseChannel,
        sampling_defaults: dict[str, Any],
    ) -> None:
        super().__init__(
            PusherSpec(
                model=model,
                model_blessing=model_blessing,
                attestation=attestation,
                custom_config=json.dumps({"sampling_defaults": sampling_defaults}),
                pushed_model=Channel(type=PushedModel),
            )
        )


def build(declared: Declared) -> BaseNode:
    """The component of the node."""
    return Pusher(**declared.inputs, sampling_defaults=declared.section("generation"))
