"""Generation: prompts of random tokens continued by sampling; seconds, and tokens a second."""

import json
import time

import numpy as np
import tensorflow as tf

from benchmarks.gpu.programs.engine import config_of, device_of, peak_bytes, read_job
from trainer.generation import Request, generate
from trainer.gpt2 import GPT2
from trainer.served_model import served


def main() -> None:
    """Generate twice to compile, and three times for the time."""
    job = read_job()
    device, config = device_of(job), config_of(job)
    model = served(GPT2(config, seed=1, precision=device.precision))
    random = np.random.default_rng(1)
    ids = random.integers(0, config.vocabulary_size - 1, (job["rows"], job["prompt"]))
    prompts = tf.RaggedTensor.from_tensor(tf.constant(ids, tf.int32))
    request = Request(job["new"], top_p=0.9, stop=tf.constant([], tf.string))
    token_bytes = tf.fill([config.vocabulary_size], "x")

    @tf.function(autograph=False)
    def continued(prompts: tf.RaggedTensor, seeds: tf.Tensor) -> tf.Tensor:
        end = config.vocabulary_size - 1
        return generate(
            model,
            prompts,
            request,
            seeds=seeds,
            token_bytes=token_bytes,
            end_of_text=end,
            together=device.kind == "gpu",
        ).counts

    seconds, tokens = [], []
    for turn in range(5):
        seeds = tf.constant([[turn, row] for row in range(job["rows"])], tf.int64)
        began = time.perf_counter()
        tokens.append(int(continued(prompts, seeds).numpy().sum()))
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
