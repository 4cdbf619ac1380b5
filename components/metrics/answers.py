"""Exact match and F1 of an answer, by the rules of CoQA's official evaluation (Reddy et al. 2019, section 6)."""

import re
import string
from collections import Counter
from collections.abc import Callable, Sequence

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation)


def normalise_answer(text: str) -> str:
    """Lower case, without punctuation, articles and repeated white space.

    >>> normalise_answer("The  White House, ")
    'white house'
    """
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION)).split())


def exact_match(prediction: str, reference: str) -> float:
    """1.0 if both are the same after normalisation."""
    return float(normalise_answer(prediction) == normalise_answer(reference))


def f1(prediction: str, reference: str) -> float:
    """Harmonic mean of precision and recall over normalised tokens; two empty answers agree."""
    predicted, expected = normalise_answer(prediction).split(), normalise_answer(reference).split()
    if not predicted or not expected:
        return float(predicted == expected)
    common = sum((Counter(predicted) & Counter(expected)).values())
    return 2 * common / (len(predicted) + len(expected))


def over_annotators(
    score: Callable[[str, str], float], prediction: str, references: Sequence[str]
) -> float:
    """The best score over the references; with several annotators the mean over leaving each one out.

    Leaving one out makes a model comparable with a human, who is scored against the others.
    """
    if len(references) == 1:
        return score(prediction, references[0])
    scores = [score(prediction, reference) for reference in references]
    return sum(max(scores[:i] + scores[i + 1 :]) for i in range(len(scores))) / len(scores)
