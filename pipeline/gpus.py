"""Whether a node uses a GPU (no TensorFlow here)."""

import os
from pathlib import Path

from pipeline.config import Config
from pipeline.nodes import Node

# What hides every GPU from CUDA.
HIDDEN_GPUS = {"CUDA_VISIBLE_DEVICES": "-1"}

_DRIVERS_LIST = Path("/proc/driver/nvidia/gpus")


def wants_gpu(node: Node, config: Config) -> bool:
    """Whether a node computes on a GPU where there is one: `training.device: cpu` says no for all."""
    return node.gpu and config.training.device != "cpu"


def has_gpu() -> bool:
    """Whether this machine has a GPU that the environment does not hide."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    hidden = visible is not None and visible.strip() in ("", "-1")
    return not hidden and _DRIVERS_LIST.is_dir() and any(_DRIVERS_LIST.iterdir())
