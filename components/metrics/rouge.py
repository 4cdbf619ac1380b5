"""ROUGE of a summary, as rouge-score computes it without stemming (equal to Perl ROUGE-1.5.5 to 1e-5)."""

from functools import lru_cache

from trainer.host_memory import imports_refused

# NLTK takes them where it finds them; the package needs its tokenizer and stemmer alone. 3 s.
with imports_refused("sklearn", "scipy.stats", "scipy.sparse"):
    from rouge_score.rouge_scorer import RougeScorer

ROUGE_METRICS = ("rouge1", "rouge2", "rougeL", "rougeLsum")


@lru_cache(maxsize=1)
def _scorer() -> RougeScorer:
    return RougeScorer(list(ROUGE_METRICS), use_stemmer=False)


def rouge_parts(prediction: str, reference: str) -> dict[str, tuple[float, float, float]]:
    """(precision, recall, F-measure) of each metric, between 0 and 1. rougeLsum takes each line as a sentence."""
    scores = _scorer().score(target=reference, prediction=prediction)
    return {
        metric: (scores[metric].precision, scores[metric].recall, scores[metric].fmeasure)
        for metric in ROUGE_METRICS
    }


def has_words(text: str) -> bool:
    """Whether ROUGE sees anything of a text: its tokenizer drops all but Latin letters without accents and digits."""
    return any(character.isascii() and character.isalnum() for character in text)


def rouge(prediction: str, reference: str) -> dict[str, float]:
    """F-measures between 0 and 1 (Lin 2004). rougeLsum takes each line as a sentence."""
    scores = _scorer().score(target=reference, prediction=prediction)
    return {metric: scores[metric].fmeasure for metric in ROUGE_METRICS}
