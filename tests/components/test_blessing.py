"""What a blessing asks for: validity, thresholds, and no worse a score than the champion's."""

import math

import pytest

from components.blessing import Metrics, checks
from components.options import ChampionOptions, EvaluationOptions, Threshold

VALID: Metrics = {"perplexity": 40.0, "non_empty": 1.0, "rouge1": 0.2}


def failed(
    metrics: Metrics, options: EvaluationOptions | None = None, champion: Metrics | None = None
) -> list[tuple[str, str]]:
    """Metric and demand of every check that failed."""
    found = checks(metrics, options or EvaluationOptions(champion=None), champion)
    return [(check.metric, check.wanted) for check in found if not check.passed]


def test_finite_loss_and_some_text_are_enough_by_default() -> None:
    assert failed(VALID) == []
    assert failed({"perplexity": 1e9}) == []


@pytest.mark.parametrize("value", [None, math.inf, math.nan])
def test_without_a_finite_perplexity_there_is_no_blessing(value: float | None) -> None:
    assert failed({**VALID, "perplexity": value}) == [("perplexity", "finite")]


@pytest.mark.parametrize("value", [None, 0.0])
def test_a_model_that_writes_nothing_is_not_blessed(value: float | None) -> None:
    assert failed({**VALID, "non_empty": value}) == [("non_empty", "above 0")]


@pytest.mark.parametrize(
    ("bounds", "demands"),
    [
        (Threshold(min=0.2, max=0.2), []),
        (Threshold(min=0.21), ["at least 0.21"]),
        (Threshold(max=0.19), ["at most 0.19"]),
        (Threshold(min=0.3, max=0.1), ["at least 0.3", "at most 0.1"]),
        (Threshold(), []),
    ],
)
def test_thresholds_include_their_bounds(bounds: Threshold, demands: list[str]) -> None:
    options = EvaluationOptions(thresholds={"rouge1": bounds}, champion=None)
    assert failed(VALID, options) == [("rouge1", demand) for demand in demands]


@pytest.mark.parametrize("metrics", [{**VALID, "f1": None}, VALID], ids=["null", "absent"])
def test_a_metric_without_a_score_keeps_no_threshold(metrics: Metrics) -> None:
    options = EvaluationOptions(thresholds={"f1": Threshold(min=0.0, max=1.0)}, champion=None)
    assert failed(metrics, options) == [("f1", "at least 0.0"), ("f1", "at most 1.0")]


@pytest.mark.parametrize(
    ("metric", "tolerance", "value", "best", "passed"),
    [
        ("perplexity", 0.0, 40.0, 40.0, True),
        ("perplexity", 0.0, 40.1, 40.0, False),
        ("perplexity", 0.1, 43.9, 40.0, True),
        ("perplexity", 0.1, 44.1, 40.0, False),
        ("perplexity", 0.0, 10.0, 40.0, True),
        ("rouge1", 0.0, 0.2, 0.2, True),
        ("rouge1", 0.0, 0.19, 0.2, False),
        ("rouge1", 0.1, 0.181, 0.2, True),
        ("rouge1", 0.1, 0.179, 0.2, False),
        ("rouge1", 0.0, 0.9, 0.2, True),
    ],
)
def test_a_candidate_may_be_worse_than_the_champion_by_the_tolerance(
    metric: str, tolerance: float, value: float, best: float, passed: bool
) -> None:
    options = EvaluationOptions(champion=ChampionOptions(metric, tolerance))  # type: ignore[arg-type]
    found = checks({**VALID, metric: value}, options, {metric: best})[-1]
    assert (found.metric, found.value, found.passed) == (metric, value, passed)
    assert f"the champion's {best:.6g}" in found.wanted


@pytest.mark.parametrize("best", [None, math.inf, math.nan])
def test_a_champion_without_a_score_stops_nobody(best: float | None) -> None:
    assert failed(VALID, EvaluationOptions(), {"perplexity": best}) == []


def test_a_candidate_without_the_champions_metric_loses() -> None:
    options = EvaluationOptions(champion=ChampionOptions("f1"))
    (failure,) = failed({**VALID, "f1": None}, options, {"f1": 0.5})
    assert failure[0] == "f1"


def test_without_the_option_the_champion_is_not_compared() -> None:
    assert failed(VALID, EvaluationOptions(champion=None), {"perplexity": 1.0}) == []


def test_a_check_becomes_plain_data() -> None:
    (check, *_) = checks(VALID, EvaluationOptions(champion=None), None)
    assert check.to_dict() == {
        "metric": "perplexity",
        "wanted": "finite",
        "value": 40.0,
        "passed": True,
    }
