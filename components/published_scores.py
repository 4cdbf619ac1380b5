"""Scores that can be published: of predictions against references, with intervals and a signature."""

import importlib.metadata
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context

import numpy as np

from components.domains import means_by_domain
from components.metrics.answers import exact_match, f1, over_annotators
from components.metrics.intervals import RESAMPLES, bootstrap_intervals
from components.metrics.rouge import AS_THEY_ARE, ROUGE_METRICS, has_words, rouge_parts
from components.metrics.stemming import Stemming
from components.options import Words
from components.prediction_files import Pair, Pairs
from preprocessing.base.digests import sha256_json

# Fewer are scored here.
_FOR_PROCESSES = 400
# Grows where equal input gets other numbers.
_VERSION = 1
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Score:
    """A mean over the records, between 0 and 1. low, high: its 95 % interval; None where there is none."""

    value: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Scores:
    """The scores of a file.

    scores: metric -> score. domains: a domain of CoQA, or several -> metric -> mean.
    unseen: how many references have no word that ROUGE sees.
    """

    scores: Mapping[str, Score]
    domains: Mapping[str, Mapping[str, float]]
    records: int
    unseen: int
    signature: str


def published_scores(
    task: str,
    read: Pairs,
    seed: int,
    progress: Progress,
    words: Words = "latin",
    stemming: Stemming = AS_THEY_ARE,
) -> Scores:
    """Score every pair. The same pairs get the same numbers, on any number of processors."""
    pairs = read.pairs
    rows = list(_rows(_score_of(task, words, stemming), pairs, progress))
    names = list(rows[0])
    matrix = np.array([[row[name] for name in names] for row in rows])
    ends = bootstrap_intervals(matrix, [pair.group for pair in pairs], seed)
    means = matrix.mean(axis=0)
    scores = {
        name: Score(
            float(means[place]),
            None if ends is None else float(ends[place, 0]),
            None if ends is None else float(ends[place, 1]),
        )
        for place, name in enumerate(names)
    }
    unseen = sum(not any(has_words(text, words) for text in pair.references) for pair in pairs)
    return Scores(
        scores,
        means_by_domain([pair.domain for pair in pairs], rows),
        len(pairs),
        unseen if task != "coqa" else 0,
        signature(task, read, seed, words, stemming),
    )


def _rows(
    score: Callable[[Pair], dict[str, float]], pairs: Sequence[Pair], progress: Progress
) -> Iterator[dict[str, float]]:
    if len(pairs) < _FOR_PROCESSES:
        for done, pair in enumerate(pairs, start=1):
            yield score(pair)
            progress(done, len(pairs))
        return
    with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("fork")) as pool:
        for done, row in enumerate(pool.map(score, pairs, chunksize=50), start=1):
            yield row
            progress(done, len(pairs))


def _score_of(task: str, words: Words, stemming: Stemming) -> Callable[[Pair], dict[str, float]]:
    return _answer_scores if task == "coqa" else partial(_summary_scores, words, stemming)


def _summary_scores(words: Words, stemming: Stemming, pair: Pair) -> dict[str, float]:
    """Precision, recall and F of the reference that fits best by F."""
    found: dict[str, float] = {}
    parts = [
        rouge_parts(pair.prediction, reference, words, stemming) for reference in pair.references
    ]
    for metric in ROUGE_METRICS:
        precision, recall, measure = max((part[metric] for part in parts), key=lambda each: each[2])
        found |= {
            metric: measure,
            f"{metric}_precision": precision,
            f"{metric}_recall": recall,
        }
    return found


def _answer_scores(pair: Pair) -> dict[str, float]:
    return {
        "f1": over_annotators(f1, pair.prediction, pair.references),
        "em": over_annotators(exact_match, pair.prediction, pair.references),
    }


def signature(
    task: str,
    read: Pairs,
    seed: int,
    words: Words = "latin",
    stemming: Stemming = AS_THEY_ARE,
    **settings: str,
) -> str:
    """What the numbers follow from, in the manner of sacreBLEU (Post 2018).

    settings: what else is known of how the predictions came about.
    """
    rows = sha256_json(
        [
            [pair.name.rpartition(":")[2], pair.prediction, list(pair.references)]
            for pair in read.pairs
        ]
    )
    parts = {"task": task, "records": str(len(read.pairs)), "rows": rows[:16]}
    if task == "coqa":
        parts |= {"metric": "coqa", "annotators": "leave-one-out", "interval": "by-story"}
    else:
        version = importlib.metadata.version("rouge-score")
        parts |= {
            "metric": f"rouge-score-{version}",
            "stem": stemming.stated,
            "sentences": read.sentences,
        }
        parts |= {"words": words}
    parts |= settings | {"resamples": str(RESAMPLES), "seed": str(seed), "version": str(_VERSION)}
    return "|".join(f"{name}:{value}" for name, value in parts.items())


def parts_of(signature: str) -> dict[str, str]:
    """Part -> value of a signature."""
    return dict(part.partition(":")[::2] for part in signature.split("|"))
