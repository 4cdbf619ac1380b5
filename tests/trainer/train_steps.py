"""Steps and trainings on the device that their options choose here."""

from pathlib import Path

from trainer.data import TokenRows, TrainingRows
from trainer.device import choose_device
from trainer.gpt2 import GPT2
from trainer.history import History
from trainer.options import TrainingOptions
from trainer.train_step import TrainStep
from trainer.training import train


def make_train_step(model: GPT2, options: TrainingOptions, seed: int) -> TrainStep:
    """The step that trains this model as the options say; dropout draws from (seed, step)."""
    return TrainStep(model, options, seed, choose_device(options))


HERE = choose_device(TrainingOptions())


def train_here(
    model: GPT2,
    rows: TrainingRows,
    validation: TokenRows,
    options: TrainingOptions,
    *,
    seed: int,
    checkpoint_folder: Path | None = None,
    event_folder: Path | None = None,
) -> History:
    """`trainer.training.train` on the device that the options choose here."""
    return train(
        model,
        rows,
        validation,
        options,
        seed=seed,
        device=choose_device(options),
        checkpoint_folder=checkpoint_folder,
        event_folder=event_folder,
    )
