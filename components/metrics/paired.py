"""Whether two systems differ on the same records: paired bootstrap and approximate randomisation."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from components.metrics.intervals import CONFIDENCE, RESAMPLES, drawn_means, ends, sums_by_group

# Of the smallest difference: how often it would be found where there is one, and the quantiles of the normal
# distribution for that and for CONFIDENCE.
_POWER_QUANTILE, _CONFIDENCE_QUANTILE = 0.8416, 1.9600


@dataclass(frozen=True)
class Difference:
    """The second system's mean less the first's.

    low, high: the 95 % interval of the paired bootstrap. p_bootstrap, p_randomisation: how probable a difference as
    large would be if the systems were equal. smallest: the difference that this many records would show in four of five
    trials. All but the value are None where there is one group, from which nothing can be drawn.
    """

    value: float
    low: float | None
    high: float | None
    p_bootstrap: float | None
    p_randomisation: float | None
    smallest: float | None

    @property
    def verdict(self) -> str:
        """`better` or `worse` where the interval leaves no doubt, else `no difference shown`."""
        if self.low is None or self.high is None or self.low <= 0 <= self.high:
            return "no difference shown"
        return "better" if self.low > 0 else "worse"


def paired_differences(
    first: NDArray[np.float64],
    second: NDArray[np.float64],
    groups: Sequence[str],
    seed: int,
    resamples: int = RESAMPLES,
) -> list[Difference]:
    """The difference of each column.

    Args:
        first, second: [records, metrics], float64: the scores of both systems on the same records.
        groups: of each record the group that is drawn, or exchanged, as a whole.
    """
    return differences_of_sums(*sums_by_group(second - first, groups), seed, resamples)


def differences_of_sums(
    sums: NDArray[np.float64], counts: NDArray[np.float64], seed: int, resamples: int = RESAMPLES
) -> list[Difference]:
    """As `paired_differences`, of the sum of each column over all groups by the sum of their counts.

    Args:
        sums: [groups, metrics], the second system's less the first's. counts: [groups], what they are over.
    """
    values = sums.sum(axis=0) / counts.sum()
    if len(counts) < 2:
        return [Difference(float(value), None, None, None, None, None) for value in values]
    means = drawn_means(sums, counts, seed, resamples)
    exchanged = _exchanged_means(sums, counts, seed, resamples)
    interval = ends(means, (1 - CONFIDENCE) / 2)
    spread = means.std(axis=0, ddof=1)
    return [
        Difference(
            value=float(value),
            low=float(interval[column, 0]),
            high=float(interval[column, 1]),
            p_bootstrap=p_of_bootstrap(means[:, column], value),
            p_randomisation=p_of_randomisation(exchanged[:, column], value),
            smallest=float(np.round((_POWER_QUANTILE + _CONFIDENCE_QUANTILE) * spread[column], 10)),
        )
        for column, value in enumerate(values)
    ]


def bounds_of_difference(
    sums: NDArray[np.float64],
    counts: NDArray[np.float64],
    confidence: float,
    seed: int,
    resamples: int = RESAMPLES,
) -> tuple[float, float] | None:
    """The one-sided lower and upper bounds of a difference, each with a confidence; None where there is one group.

    Args:
        sums: [groups], the second system's less the first's. counts: [groups], what they are over.
    """
    if len(counts) < 2:
        return None
    means = drawn_means(sums[:, None], counts, seed, resamples)
    low, high = ends(means, 1 - confidence)[0]
    return float(low), float(high)


def p_of_bootstrap(means: NDArray[np.float64], value: float) -> float:
    """How often a resample is by more than the difference farther from 0 than resamples are on average.

    As sacreBLEU has it (Post 2018; after Koehn 2004), but 1 where there is no difference at all.
    """
    distances = np.abs(means)
    return _p(distances - distances.mean(), value)


def p_of_randomisation(means: NDArray[np.float64], value: float) -> float:
    """How often an exchange of the systems' scores gives a larger difference (Noreen 1989), as sacreBLEU has it."""
    # Sums of the same numbers in another order are equal but for their last digits.
    return _p(np.abs(means) - 1e-12, value)


def _p(statistics: NDArray[np.float64], value: float) -> float:
    if not value:
        return 1.0
    return float(((statistics > abs(value)).sum() + 1) / (len(statistics) + 1))


def _exchanged_means(
    sums: NDArray[np.float64], counts: NDArray[np.float64], seed: int, resamples: int
) -> NDArray[np.float64]:
    """[resamples, metrics]: the difference where each group's scores are exchanged or not, by a fair coin."""
    dice = np.random.Generator(np.random.PCG64([seed, 1]))
    means = np.empty((resamples, sums.shape[1]))
    step = max(1, 4_000_000 // len(counts))
    for begin in range(0, resamples, step):
        size = (min(step, resamples - begin), len(counts))
        signs = dice.integers(2, size=size).astype(np.float64) * 2 - 1
        means[begin : begin + len(signs)] = signs @ sums / counts.sum()
    return means
