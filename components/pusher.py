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
from components.attest import MODEL_CARD
from components.declared import Declared
from components.options import SERVING_VARIABLE
from preprocessing import progress
from preprocessing.digests import sha256_file
from serving.versions import PROVENANCE, Versions


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
        source, provenance = Path(self.GetModelPath(input_dict)), Path(attestation.uri)
        version = same_version(versions, source, provenance)
        if version is None:
            version = new_version(versions, pushed)
            versions.stage(version, lambda folder: fill_version(folder, source, provenance))
        self._MarkPushed(pushed, str(versions.path(version)), version)
        pushed.set_string_custom_property(
            "model_digest", model.get_string_custom_property("digest")
        )


def fill_version(folder: Path, model: Path, attestation: Path) -> None:
    """Copy a SavedModel and its provenance into the folder of a version."""
    shutil.copytree(model, folder, dirs_exist_ok=True)
    for name in (PROVENANCE, MODEL_CARD):
        shutil.copyfile(attestation / name, folder / name)


def new_version(versions: Versions, pushed: types.Artifact) -> str:
    """The execution's id, which names the output folder too; a larger number where a store has begun anew.

    An id never repeats in a store, but pushed versions outlive a store that was lost.
    """
    execution = int(Path(pushed.uri).name)
    taken = (*versions.names(), *versions.staged())
    return str(max([execution, *(int(name) + 1 for name in taken)]))


def same_version(versions: Versions, model: Path, attestation: Path) -> str | None:
    """The newest pushed version that holds this model and this provenance, byte for byte, and nothing else."""
    # The provenance comes first: it is small, and differs for almost every other version.
    wanted = {Path(name): sha256_file(attestation / name) for name in (PROVENANCE, MODEL_CARD)}
    wanted |= {name: sha256_file(model / name) for name in _files(model)}
    for version in reversed(versions.names()):
        folder = versions.path(version)
        if _files(folder) == set(wanted) and all(
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
    ) -> None:
        super().__init__(
            PusherSpec(
                model=model,
                model_blessing=model_blessing,
                attestation=attestation,
                custom_config=json.dumps(None),
                pushed_model=Channel(type=PushedModel),
            )
        )


def build(declared: Declared) -> BaseNode:
    """The component of the node."""
    return Pusher(**declared.inputs)
