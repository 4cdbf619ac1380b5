"""What the page of an evaluation draws, as numbers: scales, histograms, and scores by domain and source length."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from components.domains import places_by_domain
from components.evaluation import Prediction
from components.metrics.intervals import interval_of_sums, sums_by_group
from components.metrics.traits import words
from components.samples import Interval

BINS = 20
# Texts are put in so many groups by the length of their sources, each of so many texts at least.
_GROUPS, _GROUP_TEXTS = 5, 20


@dataclass(frozen=True)
class Scale:
    """A drawing's left and right end, as values."""

    low: float
    high: float

    def at(self, value: float) -> float:
        """Where a value stands, in percent of the drawing's width from its left."""
        return round(100 * (value - self.low) / (self.high - self.low), 2)


def share_scale(values: Iterable[float]) -> Scale:
    """From 0 to the tenth above every value.

    >>> share_scale([0.05, 0.41])
    Scale(low=0.0, high=0.5)
    """
    return Scale(0.0, max(1, math.ceil(10 * max(values, default=1) - 1e-9)) / 10)


def scale_around(values: Sequence[float]) -> Scale:
    """The values with a fifth of their spread on each side."""
    low, high = min(values, default=0.0), max(values, default=1.0)
    room = (high - low) / 5 or abs(high) / 5 or 1.0
    return Scale(low - room, high + room)


def difference_scale(values: Iterable[float]) -> Scale:
    """As far to the left of 0 as to its right."""
    most = max(map(abs, values), default=0.0) * 1.1 or 1.0
    return Scale(-most, most)


@dataclass(frozen=True)
class Histogram:
    """How many texts have a value between two edges; the upper edge is part of the last bin only.

    edges: [bins + 1]. series: name -> [bins].
    """

    title: str
    edges: tuple[float, ...]
    series: Mapping[str, tuple[int, ...]]

    @property
    def most(self) -> int:
        """The texts of the highest bar."""
        return max(max(counts) for counts in self.series.values())


def score_histograms(predictions: Sequence[Prediction]) -> list[Histogram]:
    """A histogram of each score over the texts."""
    return [
        _histogram(name, {"texts": [p.scores[name] for p in predictions]}, 1.0)
        for name in score_names(predictions)
    ]


def length_histogram(predictions: Sequence[Prediction]) -> Histogram:
    """The words of the model's texts, and of the first references."""
    series = {
        "model": [len(words(p.text)) for p in predictions],
        "references": [len(words(p.target.references[0])) for p in predictions],
    }
    longest = max(max(lengths) for lengths in series.values())
    return _histogram("words", series, BINS * max(1, math.ceil((longest + 1) / BINS)))


def score_names(predictions: Sequence[Prediction]) -> list[str]:
    """The scores of texts, without that which only says whether there is a text."""
    if not predictions:
        return []
    return [name for name in predictions[0].scores if name != "non_empty"]


@dataclass(frozen=True)
class Group:
    """Some of the texts. interval: of the mean, 95 %; None where one record has all of them."""

    name: str
    texts: int
    mean: float
    interval: Interval | None


def source_lengths(predictions: Sequence[Prediction]) -> list[int]:
    """The words of what the model read for each text."""
    return [len(words(prediction.target.prompt)) for prediction in predictions]


def by_source_length(
    predictions: Sequence[Prediction], source_words: Sequence[int], metric: str, seed: int
) -> list[Group]:
    """The mean of a score by the length of the source, in groups of about as many texts each.

    Empty where there are too few texts for two groups. Texts whose sources are as long are in one group.
    """
    lengths = np.array(source_words)
    count = min(_GROUPS, len(lengths) // _GROUP_TEXTS)
    if count < 2:
        return []
    edges = np.unique(np.quantile(lengths, np.arange(1, count) / count, method="lower"))
    numbers = np.searchsorted(edges, lengths)
    groups = []
    for number in np.unique(numbers):
        places = np.flatnonzero(numbers == number).tolist()
        name = f"{lengths[places].min()} to {lengths[places].max()} words"
        groups.append(_group(name, [predictions[place] for place in places], metric, seed))
    return groups


def by_domain(predictions: Sequence[Prediction], metric: str, seed: int) -> list[Group]:
    """The mean of a score by domain, with those in and out of CoQA's training set; empty where no text has one."""
    places = places_by_domain([prediction.target.domain for prediction in predictions])
    return [
        _group(name.replace("_", " "), [predictions[place] for place in found], metric, seed)
        for name, found in places.items()
    ]


def _group(name: str, predictions: Sequence[Prediction], metric: str, seed: int) -> Group:
    scores = np.array([[prediction.scores[metric]] for prediction in predictions])
    records = [prediction.target.record for prediction in predictions]
    found = interval_of_sums(*sums_by_group(scores, records), seed)
    ends = None if found is None else (float(found[0, 0]), float(found[0, 1]))
    return Group(name, len(predictions), float(scores.mean()), ends)


def _histogram(title: str, series: Mapping[str, Sequence[float]], high: float) -> Histogram:
    edges = [high * place / BINS for place in range(BINS + 1)]
    counts = {
        name: tuple(np.histogram(values, BINS, (0, high))[0].tolist())
        for name, values in series.items()
    }
    return Histogram(title, tuple(edges), counts)
