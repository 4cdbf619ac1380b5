"""Whether a model may be pushed: valid at all, within its thresholds, no worse than the champion."""

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Literal

from components.evaluation import Evaluation
from components.options import LOWER_IS_BETTER, EvaluationOptions, NotWorseOptions, Threshold
from components.samples import Interval, bounds, difference, interval

Verdict = Literal["not worse", "worse", "inconclusive"]


@dataclass(frozen=True)
class Check:
    """One thing asked of the model.

    wanted: what, in words. found: what was found, in words, where that is more than a value.
    """

    metric: str
    wanted: str
    value: float | None
    passed: bool
    found: str = ""

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Champion:
    """What a candidate is compared with. scores: None where it could not be scored, and `why` says so."""

    scores: Evaluation | None
    why: str = ""


def checks(
    candidate: Evaluation,
    reported: Evaluation,
    options: EvaluationOptions,
    champion: Champion | None,
    seed: int,
) -> list[Check]:
    """Every check of a candidate, from its scores on the split that decides; it is blessed if all passed.

    reported: its scores on the split that is reported, which say whether it writes anything.
    champion: None where there is none yet.
    """
    found = [*_validity(candidate, reported), *_thresholds(candidate, options, seed)]
    if champion is not None and options.not_worse is not None:
        found += _against_champion(candidate, champion, options, options.not_worse, seed)
    return found


def _validity(candidate: Evaluation, reported: Evaluation) -> Iterator[Check]:
    value = candidate.metrics.get("perplexity")
    yield Check("perplexity", "finite", value, value is not None)
    if reported.predictions:
        written = reported.metrics["non_empty"]
        yield Check("non_empty", "above 0", written, bool(written))


def _thresholds(candidate: Evaluation, options: EvaluationOptions, seed: int) -> Iterator[Check]:
    for name, threshold in sorted(options.thresholds.items()):
        value = candidate.metrics.get(name)
        ends = interval(candidate, name, seed) if threshold.of == "interval" else None
        if threshold.min is not None:
            yield _bound(name, "at least", threshold.min, threshold, value, ends and ends[0])
        if threshold.max is not None:
            yield _bound(name, "at most", threshold.max, threshold, value, ends and ends[1])


def _bound(
    name: str,
    words: str,
    bound: float,
    threshold: Threshold,
    value: float | None,
    end: float | None,
) -> Check:
    if threshold.of == "value":
        return Check(name, f"{words} {bound}", value, _keeps(words, bound, value))
    found = f"its end is {end:.6g}" if end is not None else "one record, or no score: no interval"
    wanted = f"its 95 % interval {words} {bound}"
    return Check(name, wanted, value, _keeps(words, bound, end), found)


def _keeps(words: str, bound: float, value: float | None) -> bool:
    if value is None:
        return False
    return value >= bound if words == "at least" else value <= bound


def _against_champion(
    candidate: Evaluation,
    champion: Champion,
    options: EvaluationOptions,
    asked: NotWorseOptions,
    seed: int,
) -> Iterator[Check]:
    blesses = options.on_incomparable == "bless"
    if champion.scores is None:
        yield Check("champion", "comparable", None, blesses, champion.why)
        return
    for name, margin in sorted(asked.margins.items()):
        best, value = champion.scores.metrics.get(name), candidate.metrics.get(name)
        if best is None:
            yield Check(name, "comparable", value, blesses, "the champion has no score")
            continue
        wanted = f"no more than {_margin_text(name, margin)} worse than the champion's {best:.6g}"
        wanted += f", {asked.confidence:.0%} sure"
        compared = difference(champion.scores, candidate, name, seed)
        ends = bounds(champion.scores, candidate, name, asked.confidence, seed)
        if compared is None:
            yield Check(name, wanted, value, False, "no score")
            continue
        verdict = _verdict(ends, _smallest_difference(name, margin))
        found = f"{verdict}: {_difference_text(name, compared.value, ends, compared.smallest)}"
        yield Check(name, wanted, value, verdict == "not worse", found)


def _verdict(ends: Interval | None, margin: float) -> Verdict:
    """What the one-sided bounds of a difference say; more is better.

    Non-inferiority by a margin (Piaggio et al. 2012, CONSORT), with the bound of the bootstrap.
    """
    if ends is None:
        return "inconclusive"
    if ends[0] >= -margin:
        return "not worse"
    return "worse" if ends[1] < 0 else "inconclusive"


def _smallest_difference(metric: str, margin: float) -> float:
    """A margin as a difference of means: a perplexity that is greater by a fraction has a loss greater by its log."""
    return math.log1p(margin) if metric in LOWER_IS_BETTER else margin


def _margin_text(metric: str, margin: float) -> str:
    return f"{margin:.3g} of it" if metric in LOWER_IS_BETTER else f"{margin:g}"


def _difference_text(
    metric: str, value: float, ends: Interval | None, smallest: float | None
) -> str:
    """A difference with its bounds, as a user reads it."""
    if ends is None:
        return f"{_signed(metric, value)}; of one record or row nothing can be drawn"
    shown = f"{_signed(metric, value)}, bounds {_signed(metric, ends[0])} and {_signed(metric, ends[1])}"
    if smallest is None:
        return shown
    return f"{shown}; this split can show differences from {_size(metric, smallest)} on"


def _signed(metric: str, value: float) -> str:
    """A difference of means; of a perplexity as the fraction by which it is lower (+) or higher (-)."""
    return f"{-math.expm1(-value):+.2%}" if metric in LOWER_IS_BETTER else f"{value:+.4f}"


def _size(metric: str, value: float) -> str:
    return f"{-math.expm1(-value):.2%}" if metric in LOWER_IS_BETTER else f"{value:.4f}"
