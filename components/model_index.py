"""Scores as the Hugging Face hub indexes them: `model-index` of a model card's front matter."""

import math
from collections.abc import Mapping
from typing import Any

import yaml


def model_index(
    name: str,
    dataset: Mapping[str, Any],
    metrics: Mapping[str, float | None],
    arguments: Mapping[str, Mapping[str, Any]] | None = None,
) -> list[dict[str, Any]]:
    """The entry of one model on one data set; empty without a score, since the hub takes no entry that has none.

    dataset: `type`, `name`, `split` and more of what the hub knows. arguments: metric -> what else is said of it.
    """
    scores: list[dict[str, Any]] = []
    for metric, value in sorted(metrics.items()):
        if value is not None and math.isfinite(value):
            kind = "rouge" if metric.startswith("rouge") else metric
            score = {"type": kind, "name": metric, "value": value}
            args = (arguments or {}).get(metric)
            scores.append(score | ({"args": dict(args)} if args else {}))
    if not scores:
        return []
    result = {"task": {"type": "text-generation"}, "dataset": dict(dataset), "metrics": scores}
    return [{"name": name, "results": [result]}]


def with_front_matter(front: Mapping[str, Any], text: str) -> str:
    """A card: Markdown behind a front matter of YAML."""
    head = yaml.safe_dump(dict(front), sort_keys=False, allow_unicode=True)
    return f"---\n{head}---\n{text}"


def dataset_of(task: str, split: str, **more: str) -> dict[str, str]:
    """How a corpus is called in an index."""
    return {"type": task, "name": task, "split": split, **more}
