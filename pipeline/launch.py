"""Launching one node with TFX against ML Metadata. This is the only module that runs TFX."""

import os
import warnings
from collections.abc import Mapping

from tfx.dsl.compiler import compiler, constants
from tfx.orchestration import metadata
from tfx.orchestration.local import runner_utils
from tfx.orchestration.portable import launcher, runtime_parameter_utils
from tfx.proto.orchestration import pipeline_pb2

from pipeline.config import LoadedConfig
from pipeline.graph import build_pipeline
from pipeline.launch_request import LaunchRequest
from pipeline.store.connection import connection_config
from pipeline.store.names import KEY, LEASE, NODE, PIPELINE, Names, key_name, workspace_id
from pipeline.store.workspace_store import WorkspaceStore


def launch(request: LaunchRequest) -> int:
    """Run a node's driver, executor and publisher; returns the id of its execution.

    Whether it is COMPLETE must be read from the store: TFX returns normally when inputs do not resolve.
    """
    warnings.filterwarnings("ignore", category=DeprecationWarning)
    os.environ.update(request.environment)
    names = Names(request.loaded.config.name, workspace_id(request.loaded.workspace))
    pipeline = compiler.Compiler().compile(build_pipeline(request.loaded, request.node))
    runtime_parameter_utils.substitute_runtime_parameter(
        pipeline, {constants.PIPELINE_RUN_ID_PARAMETER_NAME: names.of_run(request.run_id)}
    )
    node = pipeline.nodes[0].pipeline_node
    _pin_inputs(node, request.inputs)
    _name_contexts(node, names)
    _add_context(node, KEY, key_name(request.node, request.key))
    _add_context(node, LEASE, names.of_lease(*request.lease))
    deployment = runner_utils.extract_local_deployment_config(pipeline)
    info = launcher.Launcher(
        pipeline_node=node,
        mlmd_connection=_WorkspaceMetadata(request.loaded),
        pipeline_info=pipeline.pipeline_info,
        pipeline_runtime_spec=pipeline.runtime_spec,
        executor_spec=runner_utils.extract_executor_spec(deployment, request.node),
    ).launch()
    if info is None or info.execution_id is None:
        raise RuntimeError(f"{request.node}: its inputs did not resolve, so nothing was run")
    return info.execution_id


class _WorkspaceMetadata(metadata.Metadata):
    """TFX's handle of the store, on a connection that keeps paths relative to the workspace."""

    def __init__(self, loaded: LoadedConfig) -> None:
        super().__init__(connection_config(loaded.config.store, loaded.workspace))
        self._workspace = loaded.workspace

    def __enter__(self) -> metadata.Metadata:
        self._store = WorkspaceStore(self._connection_config, self._workspace, waits=True)
        self._users += 1
        return self


def _pin_inputs(node: pipeline_pb2.PipelineNode, inputs: Mapping[str, int]) -> None:
    """Give the node exactly these artifacts, in place of a search through the contexts of the run."""
    for key in list(node.inputs.inputs):
        if key not in inputs:
            del node.inputs.inputs[key]
    for key, artifact_id in inputs.items():
        spec = node.inputs.inputs[key]
        spec.Clear()
        spec.static_inputs.artifact_ids.append(artifact_id)
        spec.min_count = 1


def _name_contexts(node: pipeline_pb2.PipelineNode, names: Names) -> None:
    """Register the execution under this workspace's names: other workspaces may share the store."""
    for context in node.contexts.contexts:
        if context.type.name == PIPELINE:
            context.name.field_value.string_value = names.of_pipeline
        elif context.type.name == NODE:
            context.name.field_value.string_value = names.of_node(node.node_info.id)


def _add_context(node: pipeline_pb2.PipelineNode, type_name: str, name: str) -> None:
    """Register a context together with the execution, so that a crash cannot part them.

    One of the lease keeps TFX from taking up the execution of an earlier attempt, and its folders, which a paused
    process may still write to.
    """
    context = node.contexts.contexts.add()
    context.type.name = type_name
    context.name.field_value.string_value = name
