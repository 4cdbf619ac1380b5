"""The curves of a training, as a page draws them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from trainer.history import Entry, History

_BELOW = {
    "learning_rate": "learning rate",
    "tokens_per_s": "tokens a second",
    "gradient_norm": "gradient norm",
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


def plots(history: History) -> list[Plot]:
    """Loss and validation loss in one plot, and a plot of each of the others."""
    losses = {"training": history.steps, "validation": history.validation}
    found = [_plot("loss, nats a token", "loss", losses)]
    found += [_plot(title, name, {"training": history.steps}) for name, title in _BELOW.items()]
    return [plot for plot in found if plot]


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
