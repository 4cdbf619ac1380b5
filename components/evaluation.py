"""Scoring a model on records: generation against the references, perplexity on their token rows."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from components.evaluation_inputs import fitting_prompt
from components.metrics.answers import exact_match, f1, over_annotators
from components.metrics.perplexity import RowLoss, perplexity, row_losses
from components.metrics.rouge import ROUGE_METRICS, rouge
from components.metrics.text_sizes import TextSize, text_sizes
from components.options import Words
from components.sentences import in_lines
from preprocessing.base import progress
from preprocessing.options import TASK_METRICS
from preprocessing.records.record import Record
from preprocessing.tasks.task import Task
from preprocessing.tokens.rows import Row
from preprocessing.tokens.vocabulary import Vocabulary
from serving.model import LanguageModel
from trainer.options import GenerationOptions

# (number of a group, how to compute it) -> its predictions as plain data.
Part = Callable[[int, Callable[[], list[dict[str, Any]]]], list[dict[str, Any]]]


@dataclass(frozen=True)
class Target:
    """One generation: the prompt before a segment that has references. domain: of its record; empty without one."""

    record: str
    turn: int
    prompt: str
    references: tuple[str, ...]
    domain: str = ""


@dataclass(frozen=True)
class Prediction:
    """What the model wrote for a target, and how it scored."""

    target: Target
    text: str
    scores: dict[str, float]

    def to_dict(self) -> dict[str, Any]:
        return {
            "record": self.target.record,
            "turn": self.target.turn,
            "prompt": self.target.prompt,
            "references": list(self.target.references),
            "prediction": self.text,
            "scores": self.scores,
            **({"domain": self.target.domain} if self.target.domain else {}),
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Prediction":
        """The inverse of `to_dict`."""
        target = Target(
            values["record"],
            values["turn"],
            values["prompt"],
            tuple(values["references"]),
            values.get("domain", ""),
        )
        return cls(target, values["prediction"], values["scores"])


@dataclass(frozen=True)
class Evaluation:
    """metrics: name -> value, None where nothing could be scored. predictions: every generation, in order.

    losses, sizes: of each row with tokens in the loss, which are `tokens` in all.
    """

    metrics: dict[str, float | None]
    predictions: tuple[Prediction, ...]
    losses: tuple[RowLoss, ...]
    sizes: tuple[TextSize, ...] = ()

    @property
    def tokens(self) -> int:
        """The tokens that the perplexity is over."""
        return sum(loss.tokens for loss in self.losses)


def targets(record: Record, vocabulary: Vocabulary, room: int) -> Iterator[Target]:
    """The generations that a record asks for: one summary, or one answer a turn with the gold history before it.

    room: the most tokens of a prompt.
    """
    turn = 0
    for place, segment in enumerate(record.segments):
        if segment.references:
            turn += 1
            prompt = fitting_prompt(record.segments[:place], vocabulary, room)
            yield Target(record.id, turn, prompt, segment.references, record.domain)


@dataclass(frozen=True)
class TextGroup:
    """Targets that a model is given at once. begin: the place of the first among all targets."""

    number: int
    begin: int
    targets: tuple[Target, ...]


def text_groups(
    records: Sequence[Record],
    vocabulary: Vocabulary,
    generation: GenerationOptions,
    context: int,
    batch: int,
) -> list[TextGroup]:
    """All targets of the records in groups of `batch`. context: the most tokens that the model sees.

    Neighbours stay together: of the turns of one story, the story is computed once.
    """
    room = context - min(generation.max_new_tokens, context - 1)
    wanted = [target for record in records for target in targets(record, vocabulary, room)]
    return [
        TextGroup(number, begin, tuple(wanted[begin : begin + batch]))
        for number, begin in enumerate(range(0, len(wanted), batch))
    ]


@dataclass(frozen=True)
class TextWriter:
    """How a model's texts are written and scored. A target's random stream is (seed, its place among all)."""

    task: Task
    generation: GenerationOptions
    seed: int
    words: Words

    def write(self, model: LanguageModel, group: TextGroup) -> list[dict[str, Any]]:
        """The predictions of a group as plain data."""
        options = self.generation
        completions = model.generate(
            [target.prompt for target in group.targets],
            max_new_tokens=options.max_new_tokens,
            temperature=options.temperature,
            top_k=options.top_k,
            top_p=options.top_p,
            repetition_penalty=options.repetition_penalty,
            beams=options.beams,
            length_penalty=options.length_penalty,
            seed=self.seed,
            stop=self.task.stop,
            sample_offset=group.begin,
        )
        found = []
        for target, completion in zip(group.targets, completions, strict=True):
            text = completion.text.strip()
            scores = _scores(self.task, text, target.references, self.words)
            found.append(Prediction(target, text, scores).to_dict())
        return found


def evaluate(
    model: LanguageModel,
    writer: TextWriter,
    records: Sequence[Record],
    rows: Sequence[Row],
    vocabulary: Vocabulary,
    batch: int,
) -> Evaluation:
    """Generate for every target of the records and score it; perplexity over the rows."""
    losses = row_losses(model, rows)
    groups = text_groups(records, vocabulary, writer.generation, model.context, batch)
    texts = write_texts(model, writer, groups, "evaluate")
    return summarise(writer.task, losses, texts, text_sizes(rows, vocabulary))


def write_texts(
    model: LanguageModel,
    writer: TextWriter,
    groups: Sequence[TextGroup],
    label: str,
    part: Part = lambda number, compute: compute(),
) -> list[Prediction]:
    """What the model writes for every target, scored against its references.

    part: gives what one group came to, by its number, or computes it. Which were computed before, and where, does not
    matter.
    """
    total = sum(len(group.targets) for group in groups)
    found: list[Prediction] = []
    for group in groups:
        written = part(group.number, partial(writer.write, model, group))
        found += map(Prediction.from_dict, written)
        progress.report(phase=label, done=len(found), total=total, unit="texts")
    return found


def summarise(
    task: Task,
    losses: Sequence[RowLoss],
    predictions: Sequence[Prediction],
    sizes: Sequence[TextSize],
) -> Evaluation:
    """Every metric of a task: the perplexity over rows, and the means over the predictions."""
    metrics: dict[str, float | None] = dict.fromkeys(TASK_METRICS[task.name])
    value, _ = perplexity(losses)
    # JSON has no infinity, and no bound could use one: a loss that is not finite is no score.
    metrics["perplexity"] = value if value is not None and math.isfinite(value) else None
    if predictions:
        for name in predictions[0].scores:
            metrics[name] = sum(p.scores[name] for p in predictions) / len(predictions)
    return Evaluation(metrics, tuple(predictions), tuple(losses), tuple(sizes))


def _scores(task: Task, text: str, references: Sequence[str], words: Words) -> dict[str, float]:
    scores = {"non_empty": float(bool(text))}
    if "f1" in TASK_METRICS[task.name]:
        scores["exact_match"] = over_annotators(exact_match, text, references)
        scores["f1"] = over_annotators(f1, text, references)
    if set(ROUGE_METRICS) & set(TASK_METRICS[task.name]):
        scores.update(rouge(in_lines(text)[0], in_lines(references[0])[0], words))
    return scores
