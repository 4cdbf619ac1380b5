"""What TFX passes to the Trainer's entry point, for a tiny model and a few rows."""

from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace
from typing import Literal

from tests.trainer.token_rows import counting_rows, write_rows
from trainer.options import GenerationOptions, ModelOptions, TrainingOptions

LENGTH = 8


def tiny_fn_args(folder: Path, device: Literal["auto", "cpu"] = "auto") -> SimpleNamespace:
    """The arguments of a training of two steps; its rows are written to the folder."""
    write_rows(folder / "train.gz", counting_rows(6, LENGTH))
    write_rows(folder / "eval.gz", counting_rows(3, LENGTH))
    training = TrainingOptions(
        steps=2, batch_size=2, log_every=1, checkpoint_every=1, device=device
    )
    return SimpleNamespace(
        train_files=[str(folder / "train*")],
        eval_files=[str(folder / "eval*")],
        base_model=None,
        serving_model_dir=str(folder / "export" / "Format-Serving"),
        model_run_dir=str(folder / "logs"),
        custom_config={
            "model": asdict(ModelOptions(width=16, layers=1, context=16)),
            "training": asdict(training),
            "generation": asdict(GenerationOptions(max_new_tokens=3)),
            "vocabulary": "bytes",
            "seed": 5,
            "sequence_length": LENGTH,
            "random_windows": False,
        },
    )
