"""Scores that a model of summaries has to beat: of what needs no model, and of the base model as it is."""

from collections.abc import Callable, Sequence

from components.evaluation import Prediction
from components.metrics.rouge import ROUGE_METRICS, rouge
from components.options import Words
from components.sentences import in_lines, split_sentences
from preprocessing.records.record import Record

SummaryScores = dict[str, dict[str, float]]


def baselines(records: Sequence[Record], words: Words = "latin") -> SummaryScores:
    """Baseline -> metric -> mean over the records.

    lead_3: the first three sentences of the article (See et al. 2017). first_words: as many of its first words as the
    references have on average. Empty without records.
    """
    articles = [record.segments[0].text for record in records]
    references = [_reference(record) for record in records]
    if not records:
        return {}
    length = round(sum(len(reference.split()) for reference in references) / len(references))
    return {
        "lead_3": _scores(articles, references, lead, words),
        "first_words": _scores(
            articles, references, lambda article: " ".join(article.split()[:length]), words
        ),
    }


def zero_shot(predictions: Sequence[Prediction], words: Words) -> dict[str, float]:
    """Metric -> mean of a base model's texts, of which the first three sentences count (Radford et al. 2019, 3.6).

    It was never taught where a summary ends.
    """
    texts = [prediction.text for prediction in predictions]
    references = [prediction.target.references[0] for prediction in predictions]
    return _scores(texts, references, lead, words)


def lead(article: str, count: int = 3) -> str:
    """The first sentences of an article, one a line.

    >>> lead("One. Two.\\n\\nThree. Four.")
    'One.\\nTwo.\\nThree.'
    """
    lines = (line for line in article.split("\n") if line.strip())
    sentences = (sentence for line in lines for sentence in split_sentences(line.strip()))
    return "\n".join(sentence for sentence, _ in zip(sentences, range(count), strict=False))


def _scores(
    articles: Sequence[str],
    references: Sequence[str],
    summary: Callable[[str], str],
    words: Words,
) -> dict[str, float]:
    found = [
        rouge(in_lines(summary(article))[0], in_lines(reference)[0], words)
        for article, reference in zip(articles, references, strict=True)
    ]
    return {name: sum(each[name] for each in found) / len(found) for name in ROUGE_METRICS}


def _reference(record: Record) -> str:
    return next(segment.references[0] for segment in record.segments if segment.references)
