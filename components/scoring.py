"""Scores of models on the held-out split. Each is computed once for a model, what it is scored on, and the settings.

So the candidate and the champion share them, and to return to an earlier model costs nothing.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, astuple, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

from components.baselines import SummaryScores, baselines, zero_shot
from components.evaluation import (
    Evaluation,
    Prediction,
    TextGroup,
    TextWriter,
    summarise,
    text_groups,
    write_texts,
)
from components.evaluation_inputs import read_split_records, read_split_rows
from components.metrics.perplexity import RowLoss, row_losses
from components.metrics.rouge import ROUGE_METRICS
from components.metrics.text_sizes import TextSize, text_sizes
from components.metrics.traits import mean_traits
from components.score_cache import PartsOf, ScoreCache
from preprocessing.options import TASK_METRICS
from preprocessing.records.record import Record
from preprocessing.tasks.task import Task
from preprocessing.tokens.rows import Row
from preprocessing.tokens.vocabulary import Vocabulary
from serving.model import LanguageModel


@dataclass(frozen=True)
class HeldOut:
    """What models are scored on: the first rows of a split, and its first records; None is all.

    examples, tokens: the folders of the artifacts. examples_digest, tokens_digest: their canonical digests.
    """

    examples: Path
    examples_digest: str
    tokens: Path
    tokens_digest: str
    split: str
    max_records: int | None
    max_rows: int | None = None

    @cached_property
    def records(self) -> list[Record]:
        """The records that text is generated for."""
        return read_split_records(self.examples, self.split)[: self.max_records]

    @cached_property
    def rows(self) -> list[Row]:
        """The token rows that the perplexity is over."""
        return read_split_rows(self.tokens, self.split)[: self.max_rows]


class ScoredModel:
    """A model by the canonical digest of its content, and where it lies. load: gives it, and is called when needed."""

    def __init__(self, digest: str, path: Path, load: Callable[[], LanguageModel]) -> None:
        self.digest = digest
        self.path = path
        self._load = load

    @cached_property
    def model(self) -> LanguageModel:
        """The model itself. Raises what `load` raises."""
        return self._load()


class Spread(Protocol):
    """Has the texts of groups written by other processes, which keep them as parts of a result."""

    def __call__(
        self,
        model: Path,
        writer: TextWriter,
        groups: Sequence[TextGroup],
        parts: PartsOf,
        label: str,
    ) -> None:
        """Returns when all are kept. label: what progress calls it."""


@dataclass(frozen=True)
class Scorer:
    """Scores models under the same settings.

    batch: how many texts a model is given at once. spread: None writes them all in this process.
    """

    held_out: HeldOut
    writer: TextWriter
    vocabulary: Vocabulary
    batch: int
    cache: ScoreCache
    spread: Spread | None = None

    def score(self, scored: ScoredModel, label: str, texts: bool = True) -> Evaluation:
        """The evaluation of a model; without texts only its perplexity. label: what progress calls it."""
        losses = self._losses(scored)
        predictions = self._predictions(scored, label) if texts else ()
        return summarise(self.writer.task, losses, predictions, self._sizes)

    @cached_property
    def _sizes(self) -> list[TextSize]:
        """How much text the tokens in the loss are, of each row that has any, whatever model is scored."""
        return text_sizes(self.held_out.rows, self.vocabulary)

    def _losses(self, scored: ScoredModel) -> list[RowLoss]:
        held_out = self.held_out
        inputs = {
            "what": "losses",
            "model": scored.digest,
            "rows": held_out.tokens_digest,
            "split": held_out.split,
            "max_rows": held_out.max_rows,
        }

        def compute() -> list[tuple[float, int]]:
            return [astuple(loss) for loss in row_losses(scored.model, held_out.rows)]

        return [RowLoss(*values) for values in self.cache.get(inputs, compute)]

    def _predictions(self, scored: ScoredModel, label: str) -> Sequence[Prediction]:
        held_out, writer = self.held_out, self.writer
        inputs = {
            "what": "texts",
            "model": scored.digest,
            "records": held_out.examples_digest,
            "split": held_out.split,
            "max_records": held_out.max_records,
            "task": writer.task.name,
            "generation": asdict(writer.generation),
            "vocabulary": self.vocabulary.digest,
            "seed": writer.seed,
            "words": writer.words,
            "batch": self.batch,
        }

        def compute() -> list[dict[str, Any]]:
            model, parts = scored.model, self.cache.parts_of(inputs)
            groups = text_groups(
                held_out.records, self.vocabulary, writer.generation, model.context, self.batch
            )
            if self.spread is not None:
                self.spread(scored.path, writer, groups, parts, label)
            return [p.to_dict() for p in write_texts(model, writer, groups, label, parts)]

        return [Prediction.from_dict(values) for values in self.cache.get(inputs, compute)]

    def beside(self, evaluation: Evaluation, base: ScoredModel | None = None) -> dict[str, Any]:
        """What stands beside the scores of summaries, as plain data; both are empty for another task.

        base: the base model, where its summaries are asked for.
        baselines: see `components.baselines`. traits: of the model's texts and of the references, see
        `components.metrics.traits`.
        """
        held_out = self.held_out
        inputs = {
            "what": "baselines",
            "records": held_out.examples_digest,
            "split": held_out.split,
            "max_records": held_out.max_records,
            "words": self.writer.words,
        }
        found = beside(
            self.writer.task,
            evaluation.predictions,
            lambda: held_out.records,
            lambda records: self.cache.get(inputs, lambda: baselines(records, self.writer.words)),
        )
        if base is not None and found["baselines"]:
            texts = self._predictions(base, "zero-shot")
            found["baselines"]["zero_shot"] = zero_shot(texts, self.writer.words)
        return found


def beside(
    task: Task,
    predictions: Sequence[Prediction],
    records: Callable[[], Sequence[Record]],
    scores: Callable[[Sequence[Record]], SummaryScores],
) -> dict[str, Any]:
    """See `Scorer.beside`. records: those that texts were written for. scores: of the baselines."""
    if not predictions or ROUGE_METRICS[0] not in TASK_METRICS[task.name]:
        return {"baselines": {}, "traits": {}}
    asked = records()
    return {"baselines": scores(asked), "traits": _traits_beside(asked, predictions)}


def _traits_beside(
    records: Sequence[Record], predictions: Sequence[Prediction]
) -> dict[str, dict[str, float]]:
    """The mean traits of what a model wrote, and of the references, beside the articles of the records."""
    articles = {record.id: record.segments[0].text for record in records}
    sources = [articles[prediction.target.record] for prediction in predictions]
    texts = {
        "model": [prediction.text for prediction in predictions],
        "references": [prediction.target.references[0] for prediction in predictions],
    }
    return {name: mean_traits(zip(sources, found, strict=True)) for name, found in texts.items()}
