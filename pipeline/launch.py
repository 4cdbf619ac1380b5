"""Launching one node with TFX against ML Metadata. This is the only module that runs TFX."""

import os
import warnings
from collections.abc import Mapping

from tfx.dsl.compiler import compiler, constants
from tfx.orchestration import metadata
from tfx.orchestration.local import runner_utils
from tfx.orchestration.portable import launcher, runtime_parameter_utils
from tfx.proto.orchestration import pipeline_pb2

from pipeline.graph import build_pipeline
from pipeline.launch_request import LaunchRequest
from pipeline.store import KEY, connection_config


def launch(request: LaunchRequest) -> int:
    """Run a node's driver, executor and publisher; returns the id of its execution.

    Whether it is COMPLETE must be read from the store: TFX returns normally when inputs do not resolve.
    """
    warnings.filterwarnings("ignore", category=DeprecationWarning)
    os.environ.update(request.environment)
    pipeline = compiler.Compiler().compile(build_pipeline(request.loaded, request.node))
    runtime_parameter_utils.substitute_runtime_parameter(
        pipeline, {constants.PIPELINE_RUN_ID_PARAMETER_NAME: request.run_id}
    )
    node = _node(pipeline, request.node)
    _pin_inputs(node, request.inputs)
    _add_key(node, request.key)
    deployment = runner_utils.extract_local_deployment_config(pipeline)
    connection = connection_config(request.loaded.config.store, request.loaded.workspace)
    info = launcher.Launcher(
        pipeline_node=node,
        mlmd_connection=metadata.Metadata(connection),
        pipeline_info=pipeline.pipeline_info,
        pipeline_runtime_spec=pipeline.runtime_spec,
        executor_spec=runner_utils.extract_executor_spec(deployment, request.node),
    ).launch()
    if info is None or info.execution_id is None:
        raise RuntimeError(f"{request.node}: its inputs did not resolve, so nothing was run")
    return info.execution_id


def _node(pipeline: pipeline_pb2.Pipeline, name: str) -> pipeline_pb2.PipelineNode:
    for node in pipeline.nodes:
        if node.pipeline_node.node_info.id == name:
            return node.pipeline_node
    raise LookupError(f"no node {name}")


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


def _add_key(node: pipeline_pb2.PipelineNode, key: str) -> None:
    """Register the key as a context together with the execution, so that a crash cannot part them."""
    context = node.contexts.contexts.add()
    context.type.name = KEY
    context.name.field_value.string_value = f"{node.node_info.id}:{key}"
