"""A training as a page: what was trained, on what, its curves, and where the time went."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from preprocessing.base.pages import write_page
from trainer import part_times
from trainer.history import Entry, History
from trainer.shown_rows import ShownRow

_BELOW = {
    "learning_rate": "learning rate",
    "tokens_per_s": "tokens a second",
    "gradient_norm": "gradient norm",
}
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
class Plot:
    """Curves over the steps from `first` to `last`, whose values are from `low` to `high`.

    lines: name -> the points of an SVG polyline in a square of 100 units.
    """

    title: str
    first: int
    last: int
    low: float
    high: float
    lines: Mapping[str, str]


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
        plots=_plots(history),
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


def _plots(history: History) -> list[Plot]:
    """Loss and validation loss in one plot, and a plot of each of the others."""
    losses = {"training": history.steps, "validation": history.validation}
    plots = [_plot("loss, nats a token", "loss", losses)]
    plots += [_plot(title, name, {"training": history.steps}) for name, title in _BELOW.items()]
    return [plot for plot in plots if plot]


def _plot(title: str, name: str, series: Mapping[str, Sequence[Entry]]) -> Plot | None:
    """None where no step was logged with a value of the name."""
    if not any(name in entry for entry in series["training"]):
        return None
    known = {
        line: [(entry["step"], entry[name]) for entry in entries if name in entry]
        for line, entries in series.items()
    }
    steps = [step for points in known.values() for step, _ in points]
    values = [value for points in known.values() for _, value in points]
    first, last, low, high = min(steps), max(steps), min(values), max(values)

    def place(step: float, value: float) -> str:
        """Of one step, or of one value, the middle."""
        across = 100 * (step - first) / (last - first) if last > first else 50
        up = 100 * (value - low) / (high - low) if high > low else 50
        return f"{across:.2f},{100 - up:.2f}"

    lines = {
        # A line of one point is drawn as a dot if it ends where it began.
        line: " ".join(place(*point) for point in (points if len(points) > 1 else points * 2))
        for line, points in known.items()
        if points
    }
    return Plot(title, int(first), int(last), low, high, lines)
