"""The evaluation as a page: scores with their intervals, what was compared, their spread, and the texts themselves."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from components import evaluation_charts as charts
from components.evaluation import Prediction
from components.evaluation_background import Background
from components.inline_samples import blocks, overview
from preprocessing.base.pages import write_page

# Of a task's scores the first of these is drawn by the length of the source.
_PRINCIPAL = ("rougeL", "f1")


def write_report(
    path: Path,
    summary: Mapping[str, Any],
    predictions: Sequence[Prediction],
    seed: int,
    behind: Background | None = None,
) -> None:
    """Write the page: one file that asks for nothing else, with every text in it.

    summary: what metrics.json holds. seed: of the intervals that the page alone has. behind: what is known of training
        and corpus.
    """
    names = charts.score_names(predictions)
    principal = next((name for name in _PRINCIPAL if name in names), None)
    lengths = charts.source_lengths(predictions)
    groups = {}
    if principal:
        groups["length of the source"] = charts.by_source_length(
            predictions, lengths, principal, seed
        )
        groups["domain"] = charts.by_domain(predictions, principal, seed)
    histograms = charts.score_histograms(predictions)
    write_page(
        path,
        "evaluation.html",
        "evaluation.css",
        "evaluation.js",
        summary=summary,
        behind=behind or Background(),
        scales=_scales(summary),
        difference_scales=_difference_scales(summary["differences"]),
        principal=principal,
        groups={name: (found, _group_scale(found)) for name, found in groups.items() if found},
        histograms=[charts.length_histogram(predictions), *histograms] if histograms else [],
        overview=overview(predictions, lengths),
        blocks=blocks(predictions),
    )


def _group_scale(groups: Sequence[charts.Group]) -> charts.Scale:
    return charts.scale_around(
        [value for group in groups for value in (group.mean, *(group.interval or ()))]
    )


def _scales(summary: Mapping[str, Any]) -> dict[str, charts.Scale]:
    """Metric -> the scale it is drawn on: all shares have one, to be compared by eye, and a perplexity its own."""
    drawn: dict[str, list[float]] = {}
    beside = [summary["metrics"], summary["champion"] or {}, *summary["baselines"].values()]
    for metric, value in summary["metrics"].items():
        if value is not None:
            others = [scores[metric] for scores in beside if scores.get(metric) is not None]
            drawn[metric] = [*others, *summary["intervals"].get(metric, ())]
    # That nearly every text has words would make the scale of all others coarse.
    shares = [name for name in drawn if name not in ("perplexity", "non_empty")]
    shared = charts.share_scale(value for name in shares for value in drawn[name])
    scales = dict.fromkeys(shares, shared)
    if "perplexity" in drawn:
        scales["perplexity"] = charts.scale_around(drawn["perplexity"])
    if "non_empty" in drawn:
        scales["non_empty"] = charts.Scale(0.0, 1.0)
    return scales


def _difference_scales(differences: Mapping[str, Mapping[str, Any]]) -> dict[str, charts.Scale]:
    """As `_scales`, of the differences that have an interval."""
    drawn = {name: found for name, found in differences.items() if found["low"] is not None}
    own = [name for name in drawn if name == "perplexity"]
    shared = [name for name in drawn if name != "perplexity"]
    scales: dict[str, charts.Scale] = {}
    for names in (own, shared):
        ends = [drawn[name][end] for name in names for end in ("low", "high")]
        scales |= dict.fromkeys(names, charts.difference_scale(ends))
    return scales
