"""The TFX pipeline of a configuration, made from the node table."""

import importlib
from collections.abc import Mapping

from tfx.dsl.components.base.base_beam_component import BaseBeamComponent
from tfx.dsl.components.base.base_node import BaseNode
from tfx.orchestration.pipeline import Pipeline
from tfx.types.channel import BaseChannel

from components.declared import Declared, DeclaredValues
from pipeline import locations
from pipeline.beam_flags import beam_flags, worker_flags
from pipeline.config import LoadedConfig
from pipeline.nodes import ALL_NODES, Node, node_table
from pipeline.store import connection_config

# Imported here and not where they are called: the processes of nodes are forked from one that has imported this.
_COMPONENTS = {node.component: importlib.import_module(node.component) for node in ALL_NODES}


def build_pipeline(loaded: LoadedConfig, launched: str | None = None) -> Pipeline:
    """The whole graph as a TFX pipeline with caching off: reuse is decided before a node is launched.

    launched: the node that is to run; it alone is told how to run its Beam job, since that takes a look at the corpus.
    """
    components: dict[str, BaseNode] = {}
    for node in node_table(loaded.config):
        channels = {key: _channel(components, source) for key, source in node.inputs.items()}
        component = build_component(loaded, node, channels)
        if node.name == launched and isinstance(component, BaseBeamComponent):
            component.with_beam_pipeline_args(_beam_flags(loaded, node))
        components[node.name] = component
    return Pipeline(
        pipeline_name=loaded.config.name,
        pipeline_root=str(loaded.workspace / "artifacts"),
        components=list(components.values()),
        metadata_connection_config=connection_config(loaded.config.store, loaded.workspace),
        enable_cache=False,
    )


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
    component: BaseNode = _COMPONENTS[node.component].build(declared)
    component.with_id(node.name)
    _check_outputs(node, component)
    return component


def _channel(components: Mapping[str, BaseNode], source: str) -> BaseChannel:
    producer, output = source.split(".")
    return components[producer].outputs[output]


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
