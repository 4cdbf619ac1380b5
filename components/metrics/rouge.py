"""ROUGE of a summary, equal in every bit to rouge-score (and to Perl ROUGE-1.5.5 to 1e-5, also by its stemming).

N-grams are counted by rouge-score. Of the longest common subsequences, which are most of its time, only the search is
another one (`lcs`).
"""

import re
from collections import Counter
from functools import lru_cache

from components.metrics.lcs import lcs_length, lcs_places
from components.metrics.stemming import Stemming
from components.options import Words
from serving.refused_imports import imports_refused

# NLTK takes them where it finds them; the package needs its tokenizer and stemmer alone. 3 s.
with imports_refused("sklearn", "scipy.stats", "scipy.sparse"):
    from rouge_score.rouge_scorer import RougeScorer
    from rouge_score.scoring import fmeasure
    from rouge_score.tokenizers import DefaultTokenizer

AS_THEY_ARE = Stemming()
ROUGE_METRICS = ("rouge1", "rouge2", "rougeL", "rougeLsum")
# Precision, recall and F-measure, between 0 and 1.
Parts = tuple[float, float, float]


_WORD = re.compile(r"\w+")


class _Tokenizer:
    """What words a text has, which is asked several times: by rouge-score's own tokenizer, or in any script."""

    def __init__(self, words: Words, stemming: Stemming) -> None:
        latin = DefaultTokenizer(use_stemmer=False).tokenize
        found = latin if words == "latin" else _unicode_words
        if stemming.way == "no":
            self.tokenize = lru_cache(maxsize=64)(found)
            return
        stem = lru_cache(maxsize=100_000)(stemming.stem())
        self.tokenize = lru_cache(maxsize=64)(lambda text: list(map(stem, found(text))))


def _unicode_words(text: str) -> list[str]:
    return _WORD.findall(text.lower())


@lru_cache(maxsize=2)
def _scorer(words: Words, stemming: Stemming) -> tuple[RougeScorer, _Tokenizer]:
    tokenizer = _Tokenizer(words, stemming)
    return RougeScorer(["rouge1", "rouge2"], tokenizer=tokenizer), tokenizer


def rouge_parts(
    prediction: str, reference: str, words: Words = "latin", stemming: Stemming = AS_THEY_ARE
) -> dict[str, Parts]:
    """Precision, recall and F of each metric (Lin 2004). rougeLsum takes each line as a sentence."""
    scorer, tokenizer = _scorer(words, stemming)
    counted = scorer.score(target=reference, prediction=prediction)
    ours, wanted = (
        [tokenizer.tokenize(line) for line in text.split("\n") if line]
        for text in (prediction, reference)
    )
    return {name: tuple(score) for name, score in counted.items()} | {
        "rougeL": _whole(tokenizer.tokenize(prediction), tokenizer.tokenize(reference)),
        "rougeLsum": _by_sentence(ours, wanted),
    }


def has_words(text: str, words: Words = "latin") -> bool:
    """Whether ROUGE sees anything of a text: Latin letters without accents and digits, or any."""
    return bool(_scorer(words, AS_THEY_ARE)[1].tokenize(text))


def rouge(prediction: str, reference: str, words: Words = "latin") -> dict[str, float]:
    """F-measures between 0 and 1 (Lin 2004). rougeLsum takes each line as a sentence."""
    parts = rouge_parts(prediction, reference, words)
    return {metric: found[2] for metric, found in parts.items()}


def _whole(prediction: list[str], reference: list[str]) -> Parts:
    """ROUGE-L of two texts as a sequence of words each."""
    if not prediction or not reference:
        return (0, 0, 0)
    return _parts(lcs_length(reference, prediction), len(prediction), len(reference))


def _by_sentence(prediction: list[list[str]], reference: list[list[str]]) -> Parts:
    """ROUGE-L of two summaries (Lin 2004, section 3.2): the words of each sentence of the reference that stand in its
    longest common subsequence with any sentence of the prediction; a word counts as often as both texts have it."""
    left = [
        Counter(word for sentence in text for word in sentence) for text in (prediction, reference)
    ]
    lengths = [count.total() for count in left]
    if not all(lengths):
        return (0, 0, 0)
    hits = 0
    for sentence in reference:
        places = {place for other in prediction for place in lcs_places(sentence, other)}
        for word in (sentence[place] for place in sorted(places)):
            if all(count[word] > 0 for count in left):
                hits += 1
                for count in left:
                    count[word] -= 1
    return _parts(hits, *lengths)


def _parts(hits: int, predicted: int, wanted: int) -> Parts:
    precision, recall = hits / predicted, hits / wanted
    return (precision, recall, fmeasure(precision, recall))
