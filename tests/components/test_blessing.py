"""What a blessing asks for: validity, thresholds, and a score no worse than the champion's by more than a margin."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.blessing import Champion, Check, checks
from components.evaluation import Evaluation, Prediction, Target
from components.metrics.perplexity import RowLoss
from components.options import EvaluationOptions, NotWorseOptions, Threshold
from components.samples import difference, interval

ALONE = EvaluationOptions(not_worse=None)


def evaluation(
    losses: list[float] | None = None, scores: list[float] | None = None, tokens: int = 10
) -> Evaluation:
    """Rows of ten tokens each with a mean loss, and one text a record with a ROUGE-1."""
    losses = [1.0, 2.0, 3.0] if losses is None else losses
    scores = [0.1, 0.2, 0.3] if scores is None else scores
    predictions = tuple(
        Prediction(
            Target(f"id{number}", 1, "", ("",)),
            "x",
            {"rouge1": score, "non_empty": float(score >= 0)},
        )
        for number, score in enumerate(scores)
    )
    rows = tuple(RowLoss(loss * tokens, tokens) for loss in losses)
    metrics: dict[str, float | None] = {"perplexity": None, "rouge1": None}
    if losses:
        metrics["perplexity"] = math.exp(sum(losses) / len(losses))
    if scores:
        metrics |= {"rouge1": sum(scores) / len(scores), "non_empty": 1.0}
    return Evaluation(metrics, predictions, rows)


def failed(
    candidate: Evaluation,
    options: EvaluationOptions = ALONE,
    champion: Champion | None = None,
    reported: Evaluation | None = None,
) -> list[tuple[str, str]]:
    """Metric and demand of every check that failed."""
    found = checks(candidate, reported or candidate, options, champion, 7)
    return [(check.metric, check.wanted) for check in found if not check.passed]


def against(
    candidate: Evaluation, champion: Evaluation, confidence: float = 0.95, **margins: float | None
) -> Check:
    """The check of one metric against a champion."""
    not_worse = replace(NotWorseOptions(perplexity=None), confidence=confidence, **margins)
    options = EvaluationOptions(not_worse=not_worse)
    return checks(candidate, candidate, options, Champion(champion), 7)[-1]


class TestAlone:
    def test_finite_loss_and_some_text_are_enough_by_default(self) -> None:
        assert failed(evaluation()) == []
        assert failed(evaluation([20.0])) == []

    def test_without_a_finite_perplexity_there_is_no_blessing(self) -> None:
        assert failed(evaluation([])) == [("perplexity", "finite")]

    @pytest.mark.parametrize("value", [None, 0.0])
    def test_a_model_that_writes_nothing_is_not_blessed(self, value: float | None) -> None:
        silent = evaluation()
        silent.metrics["non_empty"] = value
        assert failed(evaluation(), reported=silent) == [("non_empty", "above 0")]

    def test_a_task_without_texts_asks_for_none(self) -> None:
        assert failed(evaluation(scores=[])) == []

    @pytest.mark.parametrize(
        ("bounds", "demands"),
        [
            (Threshold(min=0.25, max=0.25), []),
            (Threshold(min=0.26), ["at least 0.26"]),
            (Threshold(max=0.24), ["at most 0.24"]),
            (Threshold(min=0.3, max=0.1), ["at least 0.3", "at most 0.1"]),
            (Threshold(), []),
        ],
    )
    def test_thresholds_include_their_bounds(self, bounds: Threshold, demands: list[str]) -> None:
        options = replace(ALONE, thresholds={"rouge1": bounds})
        found = failed(evaluation(scores=[0.25, 0.25]), options)
        assert found == [("rouge1", demand) for demand in demands]

    @pytest.mark.parametrize("absent", [True, False])
    def test_a_metric_without_a_score_keeps_no_threshold(self, absent: bool) -> None:
        candidate = evaluation()
        if not absent:
            candidate.metrics["f1"] = None
        options = replace(ALONE, thresholds={"f1": Threshold(min=0.0, max=1.0)})
        assert failed(candidate, options) == [("f1", "at least 0.0"), ("f1", "at most 1.0")]

    def test_a_threshold_may_be_of_the_intervals_end(self) -> None:
        scores = [0.1, 0.2, 0.3] * 10
        candidate = evaluation(scores=scores)
        ends = interval(candidate, "rouge1", 7)
        assert ends is not None
        assert ends[0] < 0.2 < ends[1]
        for bounds, demand in (
            (Threshold(min=0.19, of="interval"), "its 95 % interval at least 0.19"),
            (Threshold(max=0.21, of="interval"), "its 95 % interval at most 0.21"),
        ):
            options = replace(ALONE, thresholds={"rouge1": bounds})
            assert failed(candidate, options) == [("rouge1", demand)]
            bounds = replace(bounds, of="value")
            assert failed(candidate, replace(ALONE, thresholds={"rouge1": bounds})) == []

    def test_an_interval_of_one_record_keeps_no_threshold(self) -> None:
        options = replace(ALONE, thresholds={"rouge1": Threshold(min=0.0, of="interval")})
        assert failed(evaluation(scores=[0.5]), options) != []

    def test_a_check_becomes_plain_data(self) -> None:
        (check, *_) = checks(evaluation([1.0]), evaluation(), ALONE, None, 7)
        assert check.to_dict() == {
            "metric": "perplexity",
            "wanted": "finite",
            "value": math.e,
            "passed": True,
            "found": "",
        }


class TestAgainstTheChampion:
    @pytest.mark.parametrize("margin", [0.0, 0.02])
    def test_an_equal_model_is_not_worse_and_not_called_better(self, margin: float) -> None:
        check = against(evaluation(), evaluation(), perplexity=margin)
        assert check.passed
        assert check.found.startswith("not worse: ")
        assert "better" not in check.found

    @pytest.mark.parametrize(
        ("loss", "verdict"),
        [(0.0, "not worse"), (0.01, "not worse"), (0.03, "worse"), (-1.0, "not worse")],
    )
    def test_a_margin_of_a_perplexity_is_a_fraction_of_it(self, loss: float, verdict: str) -> None:
        """Each row is worse by the same, so that the bounds are the difference itself."""
        worse = evaluation([1.0 + loss, 2.0 + loss, 3.0 + loss])
        check = against(worse, evaluation(), perplexity=0.02)
        assert check.found.startswith(f"{verdict}: ")
        assert check.passed == (verdict == "not worse")

    def test_what_the_rows_do_not_show_is_inconclusive_and_refused(self) -> None:
        dice = np.random.default_rng(1)
        noise = dice.normal(0, 0.5, 40)
        champion = evaluation(list(np.full(40, 2.0)))
        check = against(evaluation(list(2.0 + noise - noise.mean())), champion, perplexity=0.02)
        assert (check.passed, check.found.split(":")[0]) == (False, "inconclusive")
        assert "this split can show differences from" in check.found

    def test_less_confidence_or_a_wider_margin_decides_for_it(self) -> None:
        dice = np.random.default_rng(1)
        noise = dice.normal(0, 0.05, 40)
        champion = evaluation(list(np.full(40, 2.0)))
        candidate = evaluation(list(2.0 + noise - noise.mean()))
        assert not against(candidate, champion, perplexity=0.002).passed
        assert against(candidate, champion, perplexity=0.02).passed
        assert against(candidate, champion, confidence=0.5, perplexity=0.002).passed

    def test_of_one_row_nothing_can_be_drawn(self) -> None:
        check = against(evaluation([1.0]), evaluation([1.5]), perplexity=0.02)
        assert not check.passed
        assert check.found == "inconclusive: +39.35%; of one record or row nothing can be drawn"

    def test_a_margin_of_a_score_is_a_part_of_one(self) -> None:
        scores = [0.1, 0.2, 0.3, 0.4]
        worse = [score - 0.01 for score in scores]
        champion = evaluation(scores=scores)
        assert against(evaluation(scores=worse), champion, rouge1=0.011).passed
        check = against(evaluation(scores=worse), champion, rouge1=0.005)
        assert not check.passed
        assert check.found.startswith("worse: -0.0100, bounds -0.0100 and -0.0100")

    def test_turns_of_one_story_are_drawn_together(self) -> None:
        def turns(values: list[float]) -> Evaluation:
            base = evaluation(scores=values)
            predictions = tuple(
                replace(p, target=replace(p.target, record=f"story {place // 4}", turn=place))
                for place, p in enumerate(base.predictions)
            )
            return replace(base, predictions=predictions)

        champion, candidate = [0.5] * 8, [0.4] * 4 + [0.65] * 4
        alone = difference(evaluation(scores=champion), evaluation(scores=candidate), "rouge1", 7)
        together = difference(turns(champion), turns(candidate), "rouge1", 7)
        assert alone is not None
        assert together is not None
        assert alone.value == pytest.approx(together.value)
        assert alone.low is not None
        assert together.low is not None
        assert together.low < alone.low

    @pytest.mark.parametrize(("choice", "passed"), [("refuse", False), ("bless", True)])
    def test_a_champion_that_cannot_be_compared_is_a_decision_of_the_user(
        self, choice: str, passed: bool
    ) -> None:
        options = EvaluationOptions(on_incomparable=choice)  # type: ignore[arg-type]
        for champion in (Champion(None, "it is gone"), Champion(evaluation([]))):
            check = checks(evaluation(), evaluation(), options, champion, 7)[-1]
            assert (check.wanted, check.passed) == ("comparable", passed)
            assert check.found in ("it is gone", "the champion has no score")

    def test_a_candidate_without_the_champions_score_loses(self) -> None:
        check = against(evaluation(scores=[]), evaluation(), rouge1=0.5)
        assert (check.passed, check.found) == (False, "no score")

    def test_without_the_option_the_champion_is_not_compared(self) -> None:
        assert failed(evaluation([9.0]), ALONE, Champion(evaluation())) == []

    @settings(max_examples=25)
    @given(
        st.lists(st.floats(0.5, 5), min_size=2, max_size=12),
        st.lists(st.floats(-0.2, 0.2), min_size=12, max_size=12),
        st.floats(0, 0.3),
    )
    def test_a_verdict_is_what_the_bounds_say(
        self, losses: list[float], changes: list[float], margin: float
    ) -> None:
        changed = [loss + change for loss, change in zip(losses, changes, strict=False)]
        check = against(evaluation(changed), evaluation(losses), perplexity=margin)
        found = difference(evaluation(losses), evaluation(changed), "perplexity", 7)
        assert found is not None
        verdict = check.found.split(":")[0]
        assert check.passed == (verdict == "not worse")
        if max(changes[: len(losses)]) < 0:
            assert verdict == "not worse"
        if min(changes[: len(losses)]) > math.log1p(margin) + 1e-9:
            assert verdict == "worse"
