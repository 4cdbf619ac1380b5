"""A training as a page: what was trained, and its curves."""

import io
from collections.abc import Sequence
from pathlib import Path

import matplotlib
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from preprocessing.base.pages import write_page
from trainer.history import Entry, History

_TRAINING, _VALIDATION = "#36618e", "#b3541e"
_BELOW = {
    "learning_rate": "learning rate",
    "tokens_per_s": "tokens a second",
    "gradient_norm": "gradient norm",
}


def write_training_page(path: Path, history: History) -> None:
    """Write the page; the plots stand in it as SVG, so that it is one file."""
    write_page(path, "training.html", history=history, facts=_facts(history), plot=_curves(history))


def _facts(history: History) -> dict[str, str]:
    facts = {
        "device": history.device,
        "precision": history.precision,
        "trained parameters": f"{history.parameters:,}",
        "frozen": ", ".join(history.frozen) or "nothing",
        "skipped steps": f"{history.skipped_steps:,}",
    }
    if history.steps:
        facts["last loss"] = f"{history.steps[-1]['loss']:.4f}"
    if history.validation:
        best = min(history.validation, key=lambda entry: entry["loss"])
        facts["last validation loss"] = f"{history.validation[-1]['loss']:.4f}"
        facts["lowest validation loss"] = f"{best['loss']:.4f} at step {best['step']:,}"
    return facts


def _curves(history: History) -> Markup | None:
    """Loss and validation loss in one plot, and a smaller plot of each of the others beneath."""
    if not history.steps:
        return None
    with matplotlib.rc_context({"svg.hashsalt": "gpt2-tfx", "font.size": 9}):
        figure = Figure(figsize=(9, 5.6), layout="constrained")
        axes = figure.subplot_mosaic([["loss"] * len(_BELOW), list(_BELOW)], height_ratios=[1.7, 1])
        _plot(axes["loss"], history.steps, "loss", _TRAINING, "training")
        if history.validation:
            _plot(axes["loss"], history.validation, "loss", _VALIDATION, "validation")
        axes["loss"].set_title("loss, nats a token")
        axes["loss"].legend(frameon=False)
        for name, title in _BELOW.items():
            _plot(axes[name], history.steps, name, _TRAINING)
            axes[name].set_title(title)
        for plot in axes.values():
            plot.set_xlabel("step")
            plot.grid(alpha=0.25)
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    svg = buffer.getvalue()
    # matplotlib made this SVG from numbers and the names above only; nothing of a corpus is in it
    return Markup(svg[svg.index("<svg") :])


def _plot(axes: Axes, entries: Sequence[Entry], name: str, colour: str, label: str = "") -> None:
    known = [entry for entry in entries if name in entry]
    axes.plot(
        [entry["step"] for entry in known],
        [entry[name] for entry in known],
        color=colour,
        label=label,
        linewidth=1.4,
        marker="o" if len(known) < 40 else None,
        markersize=3,
    )
