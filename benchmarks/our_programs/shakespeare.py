"""nanoGPT's published CPU run with this project's training; prints seconds and the validation loss.

`python -m benchmarks.our_programs.shakespeare TEXT STEPS`. A window has one token more than nanoGPT's block of 64: the
64 predictions of a window are of 64 tokens at most, as there. float32, random windows of the first 90% of the text.
"""

import json
import sys
import time
from pathlib import Path

import numpy as np

from preprocessing.tokens.vocabulary import load_vocabulary
from trainer.config import GPT2Config
from trainer.data import FEATURES, TokenRows
from trainer.device import choose_device
from trainer.gpt2 import GPT2
from trainer.options import TrainingOptions
from trainer.random_windows import RandomWindows, Stream
from trainer.training import train
from trainer.validation import evaluation_loss, mean_loss

BLOCK, BATCH, TRAINING_SHARE = 64, 12, 0.9


def main() -> None:
    """Train, and print {"seconds": of the training, its graph included, "loss": nats a character}."""
    vocabulary = load_vocabulary("bytes")
    ids = np.array(vocabulary.encode(Path(sys.argv[1]).read_text("utf-8")), np.int32)
    steps = int(sys.argv[2])
    cut = int(len(ids) * TRAINING_SHARE)
    windows = RandomWindows([Stream(ids[:cut], np.arange(cut) > 0)], BLOCK + 1)
    config = GPT2Config(vocabulary.size, context=BLOCK + 1, width=128, heads=4, layers=4)
    model = GPT2(config, seed=1)
    options = TrainingOptions(
        steps=steps,
        batch_size=BATCH,
        learning_rate=1e-3,
        min_learning_rate=1e-4,
        warmup_steps=100,
        weight_decay=0.1,
        beta2=0.99,
        log_every=250,
        xla="on",
    )
    validation = validation_rows(ids[cut:])
    nothing = TokenRows({name: value[:0] for name, value in validation.features.items()})
    device = choose_device(options)
    began = time.perf_counter()
    train(model, windows, nothing, options, seed=1, device=device)
    seconds = time.perf_counter() - began
    loss = mean_loss(evaluation_loss(model, device), validation, batch_size=64)
    print(json.dumps({"seconds": seconds, "loss": loss}))


def validation_rows(ids: np.ndarray) -> TokenRows:
    """Consecutive windows that overlap by one token: each token but the first is predicted once."""
    count = (len(ids) - 1) // BLOCK
    places = BLOCK * np.arange(count)[:, np.newaxis] + np.arange(BLOCK + 1)
    ones = np.ones_like(places)
    features = {
        "input_ids": ids[places],
        "loss_mask": ones,
        "segment_ids": ones,
        "positions": ones * np.arange(BLOCK + 1),
    }
    return TokenRows({name: features[name] for name in FEATURES})


if __name__ == "__main__":
    main()
