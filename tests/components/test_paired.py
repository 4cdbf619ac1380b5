"""Two systems on the same records."""

import numpy as np
import pytest
from sacrebleu.significance import _compute_p_value

from components.metrics.intervals import drawn_means, sums_by_group
from components.metrics.paired import p_of_bootstrap, p_of_randomisation, paired_differences


def test_p_is_that_of_sacrebleu_on_the_same_draws() -> None:
    dice = np.random.default_rng(7)
    differences = dice.normal(0.05, 1, size=(300, 1))
    sums, counts = sums_by_group(differences, [str(n) for n in range(300)])
    means, value = drawn_means(sums, counts, 1, 2000)[:, 0], differences.mean()
    distances = np.abs(means)
    theirs = _compute_p_value(distances - distances.mean(), abs(value))
    assert p_of_bootstrap(means, value) == pytest.approx(theirs)
    assert p_of_randomisation(means, value) == pytest.approx(
        _compute_p_value(distances, abs(value))
    )


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
