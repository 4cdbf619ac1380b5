"""The kernels of a training step by the time they take, read from TensorFlow's profiler."""

import collections
import json
import tempfile
from pathlib import Path

import numpy as np
import tensorflow as tf
from tensorflow.tsl.profiler.protobuf import xplane_pb2

from benchmarks.gpu.programs.engine import batches_of, config_of, device_of, options_of, read_job
from trainer.bounds import Bounds
from trainer.gpt2 import GPT2
from trainer.train_step import TrainStep
from trainer.training import several_steps

STEPS, SHOWN = 2, 25


def main() -> None:
    """Profile two steps, and print the milliseconds a step of the kernels that take longest."""
    job = {**read_job(), "steps": STEPS}
    device, options, config = device_of(job), options_of(job), config_of(job)
    model = GPT2(config, seed=1, precision=device.precision)
    batches = batches_of(job, config)
    bounds = Bounds(int(batches["loss_mask"][0, :, 1:].sum()), one_segment=True)
    step = TrainStep(model, options, 1, device, bounds)
    steps = several_steps(step, (job["rows"], job["length"]))
    rates = np.full([STEPS], 1e-4, np.float32)
    steps(batches, rates, np.int64(0)).loss.numpy()
    with tempfile.TemporaryDirectory() as folder:
        tf.profiler.experimental.start(folder)
        steps(batches, rates, np.int64(STEPS)).loss.numpy()
        tf.profiler.experimental.stop()
        found = kernel_times(Path(folder))
    kernels = [(name, count, picoseconds / 1e9 / STEPS) for name, count, picoseconds in found]
    print(
        json.dumps(
            {
                "device": str(device),
                "kernels_ms_a_step": sum(kernel[2] for kernel in kernels),
                "kernels_a_step": sum(kernel[1] for kernel in kernels) / STEPS,
                "longest": kernels[:SHOWN],
            }
        )
    )


def kernel_times(folder: Path) -> list[tuple[str, int, int]]:
    """(name, number, picoseconds) of a profile's GPU kernels, those that take longest first."""
    picoseconds: collections.Counter[str] = collections.Counter()
    numbers: collections.Counter[str] = collections.Counter()
    for path in folder.rglob("*.xplane.pb"):
        space = xplane_pb2.XSpace()
        space.ParseFromString(path.read_bytes())
        for plane in space.planes:
            if not plane.name.startswith("/device:GPU"):
                continue
            for line in plane.lines:
                if not line.name.startswith("Stream"):
                    continue
                for event in line.events:
                    name = plane.event_metadata[event.metadata_id].name[:100]
                    picoseconds[name] += event.duration_ps
                    numbers[name] += 1
    return [(name, numbers[name], time) for name, time in picoseconds.most_common()]


if __name__ == "__main__":
    main()
