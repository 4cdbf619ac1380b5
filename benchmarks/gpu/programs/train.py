"""Steps of training, as a training makes them: tokens a second, the seconds of compilation, peak memory."""

import json
import time

import numpy as np
import tensorflow as tf

from benchmarks.gpu.programs.engine import (
    batches_of,
    config_of,
    device_of,
    operations_a_token,
    options_of,
    peak_bytes,
    read_job,
)
from trainer.bounds import Bounds
from trainer.gpt2 import GPT2
from trainer.train_step import TrainStep
from trainer.training import several_steps


def main() -> None:
    """Call the steps of the job once to compile them, and again for the time."""
    job = read_job()
    device, options, config = device_of(job), options_of(job), config_of(job)
    if job.get("attention"):
        device = device._replace(attention=job["attention"])
    began = time.perf_counter()
    model = GPT2(config, seed=1, precision=device.precision)
    batches = batches_of(job, config)
    bounds = Bounds(int(batches["loss_mask"][0, :, 1:].sum()), one_segment=True)
    step = TrainStep(model, options, 1, device, bounds)
    steps = several_steps(step, (job["rows"], job["length"]))
    rates = np.full([job["steps"]], options.learning_rate, np.float32)
    made = time.perf_counter()
    first = {name: value[:1] for name, value in batches.items()}
    steps(first, rates[:1], np.int64(0)).loss.numpy()
    compiled = time.perf_counter()
    results = steps(batches, rates, np.int64(1))
    losses = results.loss.numpy()
    seconds = (time.perf_counter() - compiled) / job["steps"]
    tokens = job["rows"] * job["length"] / seconds
    peak = peak_bytes()
    print(
        json.dumps(
            {
                "device": str(device),
                "attention": device.attention,
                "rows": job["rows"],
                "tokens_per_s": tokens,
                "flops_per_second": tokens * operations_a_token(config, job["length"]),
                "step_s": seconds,
                "build_s": made - began,
                "compile_s": compiled - made - seconds,
                "peak_gb": None if peak is None else peak / 1e9,
                "first_loss": float(losses[0]),
                "last_loss": float(losses[-1]),
                "skipped": int(tf.math.count_nonzero(results.skipped)),
            }
        )
    )


if __name__ == "__main__":
    main()
