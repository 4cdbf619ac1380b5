"""Train a 124M model with this project's step on random tokens; prints the median seconds of a step.

`python -m benchmarks.our_programs.train_124m BATCH LENGTH STEPS`: bfloat16, AdamW, clipping at norm 1, every token in
the loss.
"""

import json
import statistics
import sys
import time

import numpy as np
import tensorflow as tf

from trainer.config import SIZES
from trainer.device import choose_device
from trainer.gpt2 import GPT2
from trainer.options import TrainingOptions
from trainer.train_step import TrainStep

_WARM_UP = 2


def main() -> None:
    """Train, and print {"seconds": the median step} as JSON."""
    batch_size, length, steps = map(int, sys.argv[1:])
    options = TrainingOptions(precision="bfloat16")
    device = choose_device(options)
    model = GPT2(SIZES["124M"], seed=0, precision="bfloat16")
    step = TrainStep(model, options, 0, device)
    random = np.random.default_rng(0)
    ones = np.ones([batch_size, length], np.int32)
    seconds = []
    for number in range(_WARM_UP + steps):
        batch = {
            "input_ids": random.integers(0, SIZES["124M"].vocabulary_size, ones.shape, np.int32),
            "loss_mask": ones,
            "segment_ids": ones,
            "positions": np.tile(np.arange(length, dtype=np.int32), [batch_size, 1]),
        }
        given = {name: tf.constant(value) for name, value in batch.items()}
        began = time.perf_counter()
        float(step(given, tf.constant(1e-4), tf.constant(number, tf.int64)).loss)
        seconds.append(time.perf_counter() - began)
    print(json.dumps({"seconds": statistics.median(seconds[_WARM_UP:])}))


if __name__ == "__main__":
    main()
