"""The pipeline for Kubeflow: one container for each node, which runs `gpt2-tfx node`; same code, same records.

Kubeflow does order, retries, GPUs and UI. What it needs besides: a claim mounted in every container with the
configuration file, the corpus and the workspace on it, and a metadata store that all of them reach (PostgreSQL or
MySQL).
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kfp import compiler, dsl, kubernetes

from pipeline.config import KubeflowOptions, LoadedConfig
from pipeline.gpus import wants_gpu
from pipeline.nodes import Node, node_table

# On open-source Kubeflow the accelerator's type is the name of the Kubernetes resource.
GPU_RESOURCE = "nvidia.com/gpu"


def write_kubeflow_pipeline(loaded: LoadedConfig, output: Path) -> None:
    """Write the KFP v2 YAML of a configuration."""
    options = loaded.config.kubeflow
    nodes = node_table(loaded.config)
    components = {node.name: _component(node, options, loaded.overrides) for node in nodes}

    @dsl.pipeline(name=_kfp_name(loaded.config.name))
    def gpt2_tfx() -> None:
        tasks: dict[str, dsl.PipelineTask] = {}
        for node in nodes:
            # Every container of a run joins the same run of our own store: by its id, since two runs may share a name.
            task = components[node.name](run_id=dsl.PIPELINE_JOB_ID_PLACEHOLDER)
            task.set_display_name(node.name).set_caching_options(False)
            task.after(*(tasks[name] for name in node.upstream))
            cpu, memory = options.requests(node.name)
            task.set_cpu_request(f"{cpu:g}").set_memory_request(memory)
            if options.retries:
                task.set_retry(options.retries, "60s", 2.0, "600s")
            if wants_gpu(node, loaded.config):
                task.set_accelerator_type(GPU_RESOURCE).set_accelerator_limit(1)
            kubernetes.mount_pvc(task, pvc_name=options.claim, mount_path=options.mount)
            for variable, source in options.secrets.items():
                name, _, key = source.partition("/")
                kubernetes.use_secret_as_env(task, name, {key: variable})
            tasks[node.name] = task

    compiler.Compiler().compile(gpt2_tfx, str(output))


def _component(node: Node, options: KubeflowOptions, overrides: Sequence[str]) -> Any:
    flags = [part for override in overrides for part in ("--set", override)]

    def step(run_id: str) -> dsl.ContainerSpec:
        return dsl.ContainerSpec(
            image=options.image,
            command=["gpt2-tfx", "--config", f"{options.mount}/{options.configuration}", *flags],
            args=["node", node.name, "--run-id", run_id],
        )

    step.__name__ = _kfp_name(node.name).replace("-", "_")
    return dsl.container_component(step)


def _kfp_name(name: str) -> str:
    """`CorpusGen` -> `corpus-gen`: Kubernetes names are lower case."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", name).lower().replace("_", "-")
