"""Train a 124M model on packed records; prints seconds and useful tokens.

`python -m benchmarks.our_programs.train_packed LENGTHS ROWS STEPS TARGET`: LENGTHS is a JSON list of the records'
tokens, of which the last share TARGET is in the loss; a row has CONTEXT of them. bfloat16, AdamW, clipping at norm 1.
"""

import json
import sys
import time

import numpy as np
import tensorflow as tf

from preprocessing.tokens.packing import pack
from preprocessing.tokens.sequences import TokenSequence
from trainer.config import SIZES
from trainer.data import FEATURES, TokenRows
from trainer.device import choose_device
from trainer.gpt2 import GPT2
from trainer.options import TrainingOptions
from trainer.train_step import TrainStep

CONTEXT = 1024
_WARM_UP = 2


def main() -> None:
    """Train, and print {"seconds": of all timed steps, "tokens": in them, without padding} as JSON."""
    lengths = json.loads(sys.argv[1])
    rows_a_batch, steps = map(int, sys.argv[2:4])
    target = float(sys.argv[4])
    config = SIZES["124M"]
    random = np.random.default_rng(0)
    sequences = [
        TokenSequence(
            random.integers(0, config.vocabulary_size - 1, n), np.arange(n) >= n - round(target * n)
        )
        for n in lengths
    ]
    packed = list(pack(sequences, CONTEXT, config.vocabulary_size - 1))
    rows = TokenRows({name: np.stack([getattr(row, name) for row in packed]) for name in FEATURES})
    options = TrainingOptions(precision="bfloat16")
    device = choose_device(options)
    model = GPT2(config, seed=0, precision="bfloat16")
    step = TrainStep(model, options, 0, device, rows.bounds(rows_a_batch))
    seconds, tokens = 0.0, 0
    for number in range(_WARM_UP + steps):
        batch = rows.training_batch(number, rows_a_batch, seed=0)
        given = {name: tf.constant(value) for name, value in batch.items()}
        began = time.perf_counter()
        float(step(given, tf.constant(1e-4), tf.constant(number, tf.int64)).loss)
        if number >= _WARM_UP:
            seconds += time.perf_counter() - began
            tokens += int(np.count_nonzero(batch["segment_ids"]))
    print(json.dumps({"seconds": seconds, "tokens": tokens}))


if __name__ == "__main__":
    main()
