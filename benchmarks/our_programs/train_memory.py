"""Train on rows of 1,024 random tokens in the low-memory mode, with a checkpoint; prints the peak memory.

`python -m benchmarks.our_programs.train_memory SIZE OPTIMIZER LAYERS`: every weight is trained, in bfloat16, for two
steps of one row; the checkpoint of weights and optimizer is written after the second. LAYERS of the blocks, 0 for all.
"""

import json
import resource
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from trainer.config import SIZES
from trainer.data import FEATURES, TokenRows
from trainer.device import choose_device
from trainer.gpt2 import GPT2
from trainer.host_memory import return_freed_memory
from trainer.options import TrainingOptions
from trainer.training import train

LENGTH, STEPS = 1024, 2


def main() -> None:
    """Train, and print {"peak": bytes, "seconds_a_step": the second step's} as JSON."""
    return_freed_memory()
    size, optimizer, layers = sys.argv[1], sys.argv[2], int(sys.argv[3])
    config = SIZES[size]
    if layers:
        config = replace(config, layers=layers)
    rows = random_rows(config.vocabulary_size)
    options = TrainingOptions(
        steps=STEPS,
        batch_size=1,
        optimizer="adafactor" if optimizer == "adafactor" else "adamw",
        precision="bfloat16",
        low_memory=True,
        clip_norm=None,
        warmup_steps=0,
        learning_rate=1e-5,
        log_every=1,
    )
    device = choose_device(options)
    model = GPT2(config, seed=0, precision="bfloat16")
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        history = train(
            model,
            rows,
            random_rows(0),
            options,
            seed=0,
            device=device,
            checkpoint_folder=Path(folder),
        )
        written = sum(path.stat().st_size for path in Path(folder).iterdir())
        seconds = time.perf_counter() - began
    assert history.step == STEPS
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(
        json.dumps(
            {
                "peak": peak,
                "parameters": model.config.parameters,
                "checkpoint": written,
                "seconds": seconds,
                "seconds_a_step": LENGTH / history.steps[-1]["tokens_per_s"],
            }
        )
    )


def random_rows(vocabulary_size: int) -> TokenRows:
    """As many rows as there are steps, every token in the loss; none of a vocabulary of 0."""
    count = STEPS if vocabulary_size else 0
    ones = np.ones([count, LENGTH], np.int32)
    ids = np.random.default_rng(0).integers(0, max(vocabulary_size, 1), ones.shape)
    positions = np.tile(np.arange(LENGTH), [count, 1])
    return TokenRows(dict(zip(FEATURES, (ids, ones, ones, positions), strict=True)))


if __name__ == "__main__":
    main()
