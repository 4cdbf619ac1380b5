"""Two systems on the same records."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sacrebleu.metrics.base import Metric, Score, Signature
from sacrebleu.significance import PairedTest

from components.metrics.paired import p_of_randomisation, paired_differences


class MeanOfSentences(Metric):
    """A metric of sacreBLEU: the mean of what stands in each hypothesis, so that its statistics are our scores."""

    def get_signature(self) -> Signature:
        return Signature({"num_refs": 1})

    def _compute_score_from_stats(self, stats: Any) -> Score:
        return Score("mean", float(stats[0] / stats[1]))

    def _aggregate_and_compute(self, stats: Any) -> Score:
        return self._compute_score_from_stats(np.asarray(stats).sum(axis=0))

    def _extract_corpus_statistics(self, hypotheses: Any, references: Any) -> Any:
        return [[float(hypothesis), 1.0] for hypothesis in hypotheses]

    def _preprocess_segment(self, sent: str) -> str:
        raise NotImplementedError

    _compute_segment_statistics = _extract_reference_info = _preprocess_segment


@dataclass(frozen=True)
class Systems:
    """Two systems' scores of the same 256 sentences, in quarters: their sums are exact, in float32 too."""

    first: NDArray[np.float64]
    second: NDArray[np.float64]

    def by_sacrebleu(self, monkeypatch: pytest.MonkeyPatch, test: str, seed: int) -> float:
        monkeypatch.setenv("SACREBLEU_SEED", str(seed))
        named = [("A", list(map(str, self.first))), ("B", list(map(str, self.second)))]
        paired = PairedTest(named, {"mean": MeanOfSentences()}, None, test, SAMPLES)
        _, scores = paired()
        return float(scores["mean"][1].p_value)  # type: ignore[union-attr, arg-type]

    @property
    def sums(self) -> NDArray[np.float64]:
        return (self.second - self.first)[:, None]


SAMPLES = 500


@pytest.fixture(params=[0.0, 0.125, 0.25])
def systems(request: pytest.FixtureRequest) -> Systems:
    dice = np.random.default_rng(7)
    first, noise = dice.integers(5, size=256) / 4, dice.normal(request.param, 1, 256)
    return Systems(first, np.round(4 * (first + noise)) / 4)


def test_p_of_the_bootstrap_is_that_of_sacrebleu_by_the_same_seed(
    systems: Systems, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both draw the indices of all resamples from numpy's generator of the seed, in the same order."""
    groups = [str(number) for number in range(256)]
    (found,) = paired_differences(
        systems.first[:, None], systems.second[:, None], groups, 12345, SAMPLES
    )
    assert found.p_bootstrap == systems.by_sacrebleu(monkeypatch, "bs", 12345)


def test_p_of_randomisation_is_that_of_sacrebleu_with_its_exchanges(
    systems: Systems, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Of each trial and sentence, whether the systems keep their scores, as sacreBLEU draws it.
    kept = np.random.default_rng(99).integers(2, size=(SAMPLES, 256), dtype=bool)
    exchanged = np.where(kept, 1.0, -1.0) @ systems.sums[:, 0] / 256
    found = p_of_randomisation(exchanged, float(systems.sums.mean()))
    assert found == systems.by_sacrebleu(monkeypatch, "ar", 99)


def test_p_of_randomisation_is_the_share_of_exchanges_that_are_farther() -> None:
    """By hand: of the eight exchanges of three differences with the mean 1, four are as far as 4 / 3 or more."""
    sums = np.array([1.0, 2.0, 3.0])
    signs = np.array([[a, b, c] for a in (-1, 1) for b in (-1, 1) for c in (-1, 1)])
    assert p_of_randomisation(signs @ sums / 3, 1.0) == pytest.approx((4 + 1) / (8 + 1))
    assert p_of_randomisation(signs @ sums / 3, 2.0) == pytest.approx((0 + 1) / (8 + 1))


class TestDifferences:
    GROUPS = tuple(str(n) for n in range(400))

    def test_of_a_better_system_is_called_so(self) -> None:
        dice = np.random.default_rng(1)
        first = dice.uniform(size=(400, 1))
        (found,) = paired_differences(
            first, first + dice.normal(0.1, 0.2, (400, 1)), self.GROUPS, 1
        )
        assert found.verdict == "better"
        assert found.p_bootstrap is not None
        assert found.p_bootstrap < 0.01
        assert found.p_randomisation is not None
        assert found.p_randomisation < 0.01

    def test_of_equal_systems_is_none(self) -> None:
        dice = np.random.default_rng(2)
        first = dice.uniform(size=(400, 1))
        (same,) = paired_differences(first, first, self.GROUPS, 1)
        assert (same.value, same.low, same.high, same.verdict) == (0, 0, 0, "no difference shown")
        assert (same.p_bootstrap, same.p_randomisation) == (1, 1)

    def test_is_called_better_no_more_often_than_the_confidence_allows(self) -> None:
        dice = np.random.default_rng(3)
        called = 0
        for _ in range(200):
            first, second = dice.uniform(size=(2, 60, 1))
            (found,) = paired_differences(first, second, self.GROUPS[:60], 1, 400)
            called += found.verdict != "no difference shown"
        assert called <= 24

    def test_that_is_the_smallest_is_found_in_most_trials(self) -> None:
        dice = np.random.default_rng(4)
        found = 0
        for _ in range(100):
            noise = dice.normal(0, 0.3, size=(200, 1))
            (blank,) = paired_differences(np.zeros((200, 1)), noise, self.GROUPS[:200], 1, 400)
            assert blank.smallest is not None
            (shown,) = paired_differences(
                np.zeros((200, 1)), noise + blank.smallest, self.GROUPS[:200], 1, 400
            )
            found += shown.verdict == "better"
        assert 65 <= found <= 95

    def test_of_one_story_says_nothing(self) -> None:
        (found,) = paired_differences(np.zeros((9, 1)), np.ones((9, 1)), ["s"] * 9, 1)
        assert (found.value, found.low, found.verdict) == (1, None, "no difference shown")
