"""A training as a page: what was trained, on what, its curves, and where the time went."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from components.curves import plots
from components.shown_rows import ShownRow
from preprocessing.base.pages import write_page
from trainer import part_times
from trainer.history import History

_PARTS = {
    part_times.MODEL: "vocabulary, model and its weights",
    part_times.READING: "reading the rows",
    part_times.PREPARATION: "optimizer, and the checkpoint to go on from",
    part_times.FIRST_STEPS: "first steps of each start, which build the graph and compile",
    part_times.STEPS: "steps",
    part_times.BATCHES: "making the next batches; a GPU computes meanwhile",
    part_times.VALIDATION: "validation",
    part_times.CHECKPOINTS: "checkpoints, as far as the training waited for them",
    part_times.EXPORT: "export",
}


@dataclass(frozen=True)
class Part:
    """What a part of a training took. share: of the whole, from 0 to 1."""

    name: str
    seconds: float
    share: float


def write_training_page(path: Path, history: History, rows: Sequence[ShownRow] = ()) -> None:
    """Write the page; the plots stand in it as SVG, so that it is one file.

    rows: of those that were trained on, to be shown with their texts.
    """
    write_page(
        path,
        "training.html",
        "training.css",
        history=history,
        facts=_facts(history),
        plots=plots(history),
        parts=_parts(history),
        rows=rows,
    )


def _parts(history: History) -> list[Part]:
    whole = sum(history.part_seconds.values()) or 1.0
    return [
        Part(name, history.part_seconds[part], history.part_seconds[part] / whole)
        for part, name in _PARTS.items()
        if part in history.part_seconds
    ]


def _facts(history: History) -> dict[str, str]:
    facts = {
        "device": history.device,
        "precision": history.precision,
        "trained parameters": f"{history.parameters:,}",
        "frozen": ", ".join(history.frozen) or "nothing",
        "skipped steps": f"{history.skipped_steps:,}",
    }
    if history.rows and history.epoch_rows:
        facts["rows read"] = (
            f"{history.rows:,}, {history.rows / history.epoch_rows:.4g} times each of {history.epoch_rows:,}"
        )
        share = history.loss_tokens / max(history.tokens, 1)
        facts["tokens read"] = (
            f"{history.tokens:,} without padding; {history.loss_tokens:,} of them ({share:.1%}) count in the loss"
        )
    if history.steps:
        facts["last loss"] = f"{history.steps[-1]['loss']:.4f}"
    if history.validation:
        best = min(history.validation, key=lambda entry: entry["loss"])
        facts["last validation loss"] = f"{history.validation[-1]['loss']:.4f}"
        facts["lowest validation loss"] = f"{best['loss']:.4f} at step {best['step']:,}"
    return facts
