"""The evaluation as a page: scores, checks, their spread, and the texts themselves."""

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib
from markupsafe import Markup
from matplotlib.figure import Figure

from components.evaluation import Prediction
from preprocessing.base.pages import write_page

SHOWN_PREDICTIONS = 50


def write_report(path: Path, summary: Mapping[str, Any], predictions: Sequence[Prediction]) -> None:
    """Write the page; the plots stand in it as SVG, so that it is one file."""
    write_page(
        path,
        "evaluation.html",
        summary=summary,
        predictions=predictions[:SHOWN_PREDICTIONS],
        hidden=max(0, len(predictions) - SHOWN_PREDICTIONS),
        plot=_histograms(predictions),
    )


def _histograms(predictions: Sequence[Prediction]) -> Markup | None:
    """A histogram of each score over the texts."""
    if not predictions:
        return None
    names = [name for name in predictions[0].scores if name != "non_empty"]
    if not names:
        return None
    with matplotlib.rc_context({"svg.hashsalt": "gpt2-tfx", "font.size": 9}):
        figure = Figure(figsize=(3 * len(names), 2.4), layout="constrained")
        for axes, name in zip(figure.subplots(1, len(names), squeeze=False)[0], names, strict=True):
            axes.hist([p.scores[name] for p in predictions], bins=20, range=(0, 1), color="#36618e")
            axes.set_title(name)
            axes.set_xlabel("score")
            axes.set_ylabel("texts")
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    svg = buffer.getvalue()
    # matplotlib made this SVG from numbers and metric names only; nothing of the corpus is in it.
    return Markup(svg[svg.index("<svg") :])
