"""What a score is the mean of, by groups that are independent: rows of tokens, or the texts of a record."""

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from components.domains import means_by_domain
from components.evaluation import Evaluation
from components.metrics.intervals import (
    RESAMPLES,
    drawn_means,
    interval_of_sums,
    sums_by_group,
)
from components.metrics.paired import Difference, bounds_of_difference, differences_of_sums

Interval = tuple[float, float]


@dataclass(frozen=True)
class Sample:
    """A score as a mean of which more is better.

    sums, counts: [groups], float64. Of a perplexity they are the log-probabilities of a row's tokens, and its tokens.
    """

    sums: NDArray[np.float64]
    counts: NDArray[np.float64]

    @property
    def mean(self) -> float:
        return float(self.sums.sum() / self.counts.sum())


def sample_of(evaluation: Evaluation, metric: str) -> Sample | None:
    """The sample behind a metric; None where it has no score."""
    if evaluation.metrics.get(metric) is None:
        return None
    if metric == "perplexity":
        losses = evaluation.losses
        return Sample(
            np.array([-loss.nats for loss in losses]),
            np.array([loss.tokens for loss in losses], np.float64),
        )
    scores = np.array([[prediction.scores[metric]] for prediction in evaluation.predictions])
    groups = [prediction.target.record for prediction in evaluation.predictions]
    sums, counts = sums_by_group(scores, groups)
    return Sample(sums[:, 0], counts)


def interval(evaluation: Evaluation, metric: str, seed: int) -> Interval | None:
    """The 95 % interval of a metric; None where it has no score, or there is one group."""
    sample = sample_of(evaluation, metric)
    if sample is None:
        return None
    found = interval_of_sums(sample.sums[:, None], sample.counts, seed)
    if found is None:
        return None
    low, high = found[0].tolist()
    # A perplexity is the exponential of the loss, and less of it is better.
    return (math.exp(-high), math.exp(-low)) if metric == "perplexity" else (low, high)


def standard_error(evaluation: Evaluation, metric: str, seed: int) -> float | None:
    """The spread of a metric over the resamples of its interval; None where it has no interval."""
    sample = sample_of(evaluation, metric)
    if sample is None or len(sample.counts) < 2:
        return None
    means = drawn_means(sample.sums[:, None], sample.counts, seed, RESAMPLES)
    drawn = np.exp(-means) if metric == "perplexity" else means
    # The last digits of a product depend on the processor.
    return round(float(drawn.std(ddof=1)), 10)


def difference(
    champion: Evaluation, candidate: Evaluation, metric: str, seed: int
) -> Difference | None:
    """The candidate's mean less the champion's, more being better; None where one of them has no score."""
    paired = _paired(champion, candidate, metric)
    return (
        None
        if paired is None
        else differences_of_sums(paired.sums[:, None], paired.counts, seed)[0]
    )


def bounds(
    champion: Evaluation, candidate: Evaluation, metric: str, confidence: float, seed: int
) -> Interval | None:
    """The one-sided bounds of `difference`; None where one has no score, or there is one group."""
    paired = _paired(champion, candidate, metric)
    if paired is None:
        return None
    return bounds_of_difference(paired.sums, paired.counts, confidence, seed)


def scores_of(evaluation: Evaluation, seed: int) -> dict[str, Any]:
    """An evaluation's scores as plain data: metrics, the 95 % interval of each that has one, the tokens of the loss.

    text: see `text_scores`. domains: means of the texts' scores by domain, where they have domains.
    """
    ends = {metric: interval(evaluation, metric, seed) for metric in evaluation.metrics}
    return {
        "metrics": evaluation.metrics,
        "intervals": {metric: list(found) for metric, found in ends.items() if found},
        "tokens": evaluation.tokens,
        "text": text_scores(evaluation, seed),
        "domains": means_by_domain(
            [prediction.target.domain for prediction in evaluation.predictions],
            [prediction.scores for prediction in evaluation.predictions],
        ),
    }


def text_scores(evaluation: Evaluation, seed: int) -> dict[str, Any]:
    """The likelihood of the text in the loss whatever the vocabulary, as plain data, with its 95 % intervals.

    word_perplexity: the exponential of the loss of a word (nats). bits_per_byte: the loss of a byte, in bits. Both are
    None without text, or where the loss is not finite.
    """
    words, sizes = (
        np.array([getattr(size, unit) for size in evaluation.sizes], np.float64)
        for unit in ("words", "bytes")
    )
    of_word, of_byte = (_of_unit(evaluation, counts, seed) for counts in (words, sizes))
    found: dict[str, list[float | None]] = {
        "word_perplexity": [_exponential(value) for value in of_word],
        "bits_per_byte": [value / math.log(2) for value in of_byte],
    }
    return {
        "words": int(words.sum()),
        "bytes": int(sizes.sum()),
        "scores": {name: values[0] if values else None for name, values in found.items()},
        "intervals": {
            name: values[1:]
            for name, values in found.items()
            if len(values) > 1 and None not in values
        },
    }


def _of_unit(evaluation: Evaluation, counts: NDArray[np.float64], seed: int) -> list[float]:
    """The loss of a unit of text (nats) and, of several rows, the ends of its interval; nothing without a unit.

    counts: the units of each row.
    """
    if evaluation.metrics.get("perplexity") is None or not counts.sum():
        return []
    nats = np.array([loss.nats for loss in evaluation.losses])
    ends = interval_of_sums(nats[:, None], counts, seed)
    return [float(nats.sum() / counts.sum()), *([] if ends is None else ends[0].tolist())]


def _exponential(value: float) -> float | None:
    return math.exp(value) if value < math.log(np.finfo(np.float64).max) else None


def differences(
    champion: Evaluation, candidate: Evaluation, seed: int
) -> dict[str, dict[str, float | str | None]]:
    """The candidate beside the champion as plain data: of each metric that both have, the difference and the verdict.

    A perplexity's difference is that of the mean log-probability of a token.
    """
    compared = {
        metric: difference(champion, candidate, metric, seed) for metric in candidate.metrics
    }
    return {
        metric: {**asdict(found), "verdict": found.verdict}
        for metric, found in compared.items()
        if found is not None
    }


def _paired(champion: Evaluation, candidate: Evaluation, metric: str) -> Sample | None:
    """The differences on the same groups."""
    ours, theirs = sample_of(candidate, metric), sample_of(champion, metric)
    if ours is None or theirs is None or not np.array_equal(ours.counts, theirs.counts):
        return None
    return Sample(ours.sums - theirs.sums, ours.counts)
