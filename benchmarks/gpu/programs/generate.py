"""Generation: prompts of random tokens continued by sampling; seconds, and tokens a second.

On a GPU a batch of prompts in groups; few prompts, and on a processor any, as an export writes them.
"""

import json
import time

import numpy as np
import tensorflow as tf

from benchmarks.gpu.programs.engine import config_of, device_of, peak_bytes, read_job
from trainer.generation import CachedModel, Request, Writer, generate
from trainer.generation.together import LEAST_ROWS_TOGETHER, GroupWriter
from trainer.gpt2 import GPT2
from trainer.served_model import served


def main() -> None:
    """Generate twice to compile, and three times for the time."""
    job = read_job()
    device, config = device_of(job), config_of(job)
    model = served(GPT2(config, seed=1, precision=device.precision))
    random = np.random.default_rng(1)
    end = config.vocabulary_size - 1
    ids = random.integers(0, end, (job["rows"], job["prompt"]))
    writer = GroupWriter(model, [b"x"] * config.vocabulary_size, end)

    def in_groups(seeds: np.ndarray) -> int:
        written = writer.write(ids.tolist(), seeds, Request(job["new"], top_p=0.9))
        return sum(len(text.ids) for text in written)

    @tf.function(autograph=False)
    def as_exported(seeds: tf.Tensor) -> tf.Tensor:
        generated = generate(
            Writer(CachedModel(model), tf.fill([config.vocabulary_size], "x"), end),
            tf.RaggedTensor.from_tensor(tf.constant(ids, tf.int32)),
            Request(job["new"], top_p=0.9, stop=tf.constant([], tf.string)),
            seeds=seeds,
        )
        return tf.reduce_sum(generated.counts)

    is_batch = device.kind == "gpu" and job["rows"] >= LEAST_ROWS_TOGETHER
    written = in_groups if is_batch else as_exported
    seconds, tokens = [], []
    for turn in range(5):
        seeds = np.array([[turn, row] for row in range(job["rows"])], np.int64)
        began = time.perf_counter()
        tokens.append(int(written(seeds)))
        seconds.append(time.perf_counter() - began)
    peak = peak_bytes()
    print(
        json.dumps(
            {
                "device": str(device),
                "tokens_per_s": max(t / s for t, s in zip(tokens[2:], seconds[2:], strict=True)),
                "generate_s": min(seconds[2:]),
                "first_s": seconds[0],
                "second_s": seconds[1],
                "peak_gb": None if peak is None else peak / 1e9,
            }
        )
    )


if __name__ == "__main__":
    main()
