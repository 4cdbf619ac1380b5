"""How sure a mean is: the bootstrap (Efron 1979), over records or over groups of them."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 10_000
CONFIDENCE = 0.95
# So many draws are held at once.
_DRAWS = 4_000_000


def bootstrap_intervals(
    scores: NDArray[np.float64], groups: Sequence[str], seed: int, resamples: int = RESAMPLES
) -> NDArray[np.float64] | None:
    """The 95 % percentile interval of the mean of each column.

    Args:
        scores: [records, metrics], float64.
        groups: of each record the group that is drawn as a whole: turns of one story are not independent.

    Returns: [metrics, 2], the ends; None where there is one group, from which nothing can be drawn.
    """
    return interval_of_sums(*sums_by_group(scores, groups), seed, resamples)


def interval_of_sums(
    sums: NDArray[np.float64], counts: NDArray[np.float64], seed: int, resamples: int = RESAMPLES
) -> NDArray[np.float64] | None:
    """As `bootstrap_intervals`, of the sum of each column over all groups by the sum of their counts.

    Args:
        sums: [groups, metrics]. counts: [groups], what each group's sums are over.
    """
    if len(counts) < 2:
        return None
    tail = (1 - CONFIDENCE) / 2
    return ends(drawn_means(sums, counts, seed, resamples), tail)


def ends(means: NDArray[np.float64], tail: float) -> NDArray[np.float64]:
    """[metrics, 2]: what `tail` of the means of each column lie below, and above."""
    # The last digits of a product depend on the processor.
    return np.round(np.quantile(means, [tail, 1 - tail], axis=0).T, 10)


def drawn_means(
    sums: NDArray[np.float64], counts: NDArray[np.float64], seed: int, resamples: int
) -> NDArray[np.float64]:
    """[resamples, metrics]: the means of groups that are drawn as often as there are groups; see `sums_by_group`."""
    dice = np.random.Generator(np.random.PCG64(seed))
    means = np.empty((resamples, sums.shape[1]))
    step = max(1, _DRAWS // len(counts))
    for begin in range(0, resamples, step):
        drawn = dice.integers(len(counts), size=(min(step, resamples - begin), len(counts)))
        drawn += np.arange(len(drawn))[:, None] * len(counts)
        # How often each group was drawn, so that every column costs a product only.
        times = np.bincount(drawn.ravel(), minlength=drawn.size).reshape(drawn.shape)
        weights = times.astype(np.float64)
        means[begin : begin + len(drawn)] = (weights @ sums) / (weights @ counts)[:, None]
    return means


def sums_by_group(
    scores: NDArray[np.float64], groups: Sequence[str]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Of each group the sum of its rows, [groups, metrics], and how many they are, [groups]; in order of appearance."""
    number = {group: place for place, group in enumerate(dict.fromkeys(groups))}
    places = np.array([number[group] for group in groups])
    sums = np.zeros((len(number), scores.shape[1]))
    np.add.at(sums, places, scores)
    return sums, np.bincount(places, minlength=len(number)).astype(np.float64)
