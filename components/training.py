"""What TFX's Trainer calls: a training and its export, and the page about them."""

from pathlib import Path

from components.shown_rows import shown_rows
from components.training_page import write_training_page
from trainer.history import TRAINING_PAGE
from trainer.run import FnArgs, train_and_export

_ROWS_SHOWN = 3


def run_fn(fn_args: FnArgs) -> None:
    """As `trainer.run.train_and_export`; the page lies beside the history."""
    trained = train_and_export(fn_args)
    shown = shown_rows(trained.first_batch, trained.vocabulary, _ROWS_SHOWN)
    write_training_page(Path(fn_args.model_run_dir) / TRAINING_PAGE, trained.history, shown)
