"""The TFX pipeline of one node, made from the node table."""

import importlib
from collections.abc import Mapping
from types import ModuleType

from tfx.dsl.components.base.base_beam_component import BaseBeamComponent
from tfx.dsl.components.base.base_node import BaseNode
from tfx.orchestration.pipeline import Pipeline
from tfx.types import standard_artifacts
from tfx.types.artifact import Artifact
from tfx.types.channel import BaseChannel, Channel

from components import artifacts
from components.declared import Declared, DeclaredValues
from pipeline import locations
from pipeline.beam_flags import beam_flags, require_known, worker_flags
from pipeline.config import LoadedConfig
from pipeline.nodes import ALL_NODES, Node, node_table
from pipeline.store import connection_config


def build_pipeline(loaded: LoadedConfig, name: str) -> Pipeline:
    """The pipeline of a node that is to be launched, with caching off: reuse is decided before.

    The nodes above it are not in it: their components would have to be imported, and its inputs are pinned anyway.
    """
    node = next(node for node in node_table(loaded.config) if node.name == name)
    component = build_component(loaded, node, channels(node))
    if isinstance(component, BaseBeamComponent):
        flags = _beam_flags(loaded, node)
        require_known(flags)
        component.with_beam_pipeline_args(flags)
    return Pipeline(
        pipeline_name=loaded.config.name,
        pipeline_root=str(loaded.workspace / "artifacts"),
        components=[component],
        metadata_connection_config=connection_config(loaded.config.store, loaded.workspace),
        enable_cache=False,
    )


def import_component(name: str) -> ModuleType:
    """The module of a node's component."""
    (module,) = (node.component for node in ALL_NODES if node.name == name)
    return importlib.import_module(module)


def channels(node: Node) -> dict[str, BaseChannel]:
    """Input key -> a channel of what the node above makes, as the table has it."""
    made = {f"{one.name}.{key}": kind for one in ALL_NODES for key, kind in one.outputs.items()}
    return {key: Channel(type=_artifact_type(made[source])) for key, source in node.inputs.items()}


def _artifact_type(name: str) -> type[Artifact]:
    found: type[Artifact] = getattr(artifacts, name, None) or getattr(standard_artifacts, name)
    return found


def build_component(
    loaded: LoadedConfig, node: Node, channels: Mapping[str, BaseChannel]
) -> BaseNode:
    """The component of a node, from the values of what the node declares and nothing else."""
    places = {name: external.locate(loaded) for name, external in node.externals.items()}
    values = loaded.values([*node.parameters, *node.incidental])
    declared = Declared(
        inputs=DeclaredValues(node.name, "inputs", channels),
        parameters=DeclaredValues(node.name, "parameters", values),
        externals=DeclaredValues(
            node.name,
            "externals",
            {name: place for name, place in places.items() if place is not None},
        ),
    )
    component: BaseNode = import_component(node.name).build(declared)
    component.with_id(node.name)
    _check_outputs(node, component)
    return component


def _beam_flags(loaded: LoadedConfig, node: Node) -> list[str]:
    if node.workers is not None:
        (count,) = loaded.values([node.workers]).values()
        return worker_flags(loaded.config.beam, count)
    return beam_flags(loaded.config.beam, locations.corpus_path(loaded), node.tfx_workers)


def _check_outputs(node: Node, component: BaseNode) -> None:
    made = {key: channel.type_name for key, channel in component.outputs.items()}
    missing = {key: kind for key, kind in node.outputs.items() if made.get(key) != kind}
    if missing:
        raise TypeError(f"{node.name} does not make {missing}; it makes {made}")
