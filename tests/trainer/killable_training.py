"""A training in a process of its own, to be killed; see `test_resume`."""

from pathlib import Path
from typing import Any

import numpy as np

from preprocessing.base import progress
from tests.trainer.random_models import SMALL
from tests.trainer.token_rows import counting_rows
from tests.trainer.train_steps import train_here
from trainer.gpt2 import GPT2
from trainer.options import TrainingOptions

OPTIONS = TrainingOptions(
    steps=120,
    batch_size=4,
    learning_rate=1e-2,
    dropout=0.1,
    validate_every=7,
    checkpoint_every=3,
    log_every=5,
    keep_best=True,
    early_stopping=100,
)


def run(checkpoints: Path, started: Path, result: Path) -> None:
    """Train; `started` appears with the first steps, `result` (weights and history) at the end."""

    def watch(report: dict[str, Any]) -> None:
        if report["phase"] == "train":
            started.touch()

    progress.set_sink(watch)
    model = GPT2(SMALL, seed=1)
    rows = counting_rows(10)
    history = train_here(model, rows, rows, OPTIONS, seed=3, checkpoint_folder=checkpoints)
    for entry in history.steps:
        del entry["tokens_per_s"]
    history.seconds, history.part_seconds = 0.0, {}
    weights = {name.replace("/", "."): v.numpy() for name, v in model.by_name.items()}
    staged = result.with_suffix(".staged.npz")
    np.savez(staged, history=history.to_json(), **weights)
    staged.rename(result)
