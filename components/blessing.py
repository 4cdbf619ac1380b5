"""Whether a model may be pushed: valid at all, within its thresholds, no worse than the champion."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from components.options import LOWER_IS_BETTER, ChampionOptions, EvaluationOptions

Metrics = Mapping[str, float | None]


@dataclass(frozen=True)
class Check:
    """One thing asked of the model. `wanted` says what, in words."""

    metric: str
    wanted: str
    value: float | None
    passed: bool

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def checks(metrics: Metrics, options: EvaluationOptions, champion: Metrics | None) -> list[Check]:
    """Every check of a candidate; it is blessed if all passed."""
    found = [*_validity(metrics), *_thresholds(metrics, options)]
    if champion is not None and options.champion is not None:
        found.append(_against_champion(metrics, champion, options.champion))
    return found


def _validity(metrics: Metrics) -> Iterator[Check]:
    value = metrics.get("perplexity")
    yield Check("perplexity", "finite", value, value is not None and math.isfinite(value))
    if "non_empty" in metrics:
        written = metrics["non_empty"]
        yield Check("non_empty", "above 0", written, bool(written))


def _thresholds(metrics: Metrics, options: EvaluationOptions) -> Iterator[Check]:
    for name, bounds in sorted(options.thresholds.items()):
        value = metrics.get(name)
        if bounds.min is not None:
            yield Check(
                name, f"at least {bounds.min}", value, value is not None and value >= bounds.min
            )
        if bounds.max is not None:
            yield Check(
                name, f"at most {bounds.max}", value, value is not None and value <= bounds.max
            )


def _against_champion(metrics: Metrics, champion: Metrics, options: ChampionOptions) -> Check:
    name, value, best = options.metric, metrics.get(options.metric), champion.get(options.metric)
    if best is None or not math.isfinite(best):
        return Check(name, "the champion has no score", value, True)
    if name in LOWER_IS_BETTER:
        bound = best * (1 + options.tolerance)
        passed = value is not None and value <= bound
        wanted = f"at most {bound:.6g} (the champion's {best:.6g})"
    else:
        bound = best * (1 - options.tolerance)
        passed = value is not None and value >= bound
        wanted = f"at least {bound:.6g} (the champion's {best:.6g})"
    return Check(name, wanted, value, passed)
