"""What several programs share: the model, its step and batches, and how its work is counted."""

import json
import sys
from typing import Any

import numpy as np
import tensorflow as tf

from trainer.config import SIZES, GPT2Config
from trainer.data import FEATURES
from trainer.device import Device, choose_device
from trainer.options import TrainingOptions


def read_job() -> dict[str, Any]:
    """What the command line asks for."""
    job: dict[str, Any] = json.loads(sys.argv[1])
    return job


def config_of(job: dict[str, Any]) -> GPT2Config:
    """The size that a job names, or the small shape that it describes."""
    if "width" not in job:
        return SIZES[job["size"]]
    length = job.get("length", 64)
    return GPT2Config(job["vocabulary"], length, job["width"], job["heads"], job["layers"])


def options_of(job: dict[str, Any]) -> TrainingOptions:
    """The training options of a job: half precision where there is any, compiled on a GPU."""
    options = {"precision": "auto", "learning_rate": 1e-4, **job.get("options", {})}
    options.pop("counting", None)
    return TrainingOptions(**options)


def device_of(job: dict[str, Any]) -> Device:
    """The device of a job, chosen as a training chooses it."""
    return choose_device(options_of(job))


def batches_of(job: dict[str, Any], config: GPT2Config) -> dict[str, np.ndarray]:
    """Random rows int32 [steps, rows, L] by feature name, full, of one segment each.

    `counting` of the options is the share of tokens that count in the loss; all do without.
    """
    random = np.random.default_rng(1)
    shape = (job["steps"], job["rows"], job["length"])
    share = job.get("options", {}).get("counting", 1.0)
    first = int(job["length"] * (1 - share))
    places = np.broadcast_to(np.arange(job["length"]), shape)
    features = {
        "input_ids": random.integers(0, config.vocabulary_size, shape),
        "loss_mask": places >= first,
        "segment_ids": np.ones(shape),
        "positions": places,
    }
    return {name: features[name].astype(np.int32) for name in FEATURES}


def operations_a_token(config: GPT2Config, length: int) -> int:
    """Floating-point operations of training for a token in full rows of a length, all of them in the loss.

    6 for each weight of the blocks and the output layer, and 12 x layers x length x width for attention
    (Chowdhery et al. 2022, https://arxiv.org/abs/2204.02311, appendix B).
    """
    positions = config.context * config.width
    return 6 * (config.parameters - positions) + 12 * config.layers * length * config.width


def peak_bytes() -> int | None:
    """The most bytes that TensorFlow's allocator had given out on the GPU at once; None without one."""
    if not tf.config.list_logical_devices("GPU"):
        return None
    return int(tf.config.experimental.get_memory_info("GPU:0")["peak"])
