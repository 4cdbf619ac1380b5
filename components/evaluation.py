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
from components.options import Words
from components.sentences import in_lines
from preprocessing.base import progress
from preprocessing.records.record import Record
from preprocessing.tasks.task import Task
from preprocessing.tokens.rows import Row
from preprocessing.tokens.vocabulary import Vocabulary
from serving.model import LanguageModel
from trainer.options import GenerationOptions

BATCH_PROMPTS = 8
# (number of a group, how to compute it) -> its predictions as plain data.
Part = Callable[[int, Callable[[], list[dict[str, Any]]]], list[dict[str, Any]]]


@dataclass(frozen=True)
class Target:
    """One generation: the prompt before a segment that has references."""

    record: str
    turn: int
    prompt: str
    references: tuple[str, ...]


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
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Prediction":
        """The inverse of `to_dict`."""
        target = Target(
            values["record"], values["turn"], values["prompt"], tuple(values["references"])
        )
        return cls(target, values["prediction"], values["scores"])


@dataclass(frozen=True)
class Evaluation:
    """metrics: name -> value, None where nothing could be scored. predictions: every generation, in order.

    losses: of each row with tokens in the loss, which are `tokens` in all.
    """

    metrics: dict[str, float | None]
    predictions: tuple[Prediction, ...]
    losses: tuple[RowLoss, ...]

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
            yield Target(record.id, turn, prompt, segment.references)


def evaluate(
    model: LanguageModel,
    task: Task,
    records: Sequence[Record],
    rows: Sequence[Row],
    generation: GenerationOptions,
    vocabulary: Vocabulary,
    seed: int,
    label: str = "evaluate",
    words: Words = "latin",
) -> Evaluation:
    """Generate for every target of the records and score it; perplexity over the rows.

    A target's random stream is (seed, its place), so a rerun writes the same text.
    """
    losses = row_losses(model, rows)
    predictions = write_texts(model, task, records, generation, vocabulary, seed, label, words)
    return summarise(task, losses, predictions)


def write_texts(
    model: LanguageModel,
    task: Task,
    records: Sequence[Record],
    generation: GenerationOptions,
    vocabulary: Vocabulary,
    seed: int,
    label: str,
    words: Words,
    part: Part = lambda number, compute: compute(),
) -> list[Prediction]:
    """What the model writes for every target of the records, scored against its references.

    part: gives what one group of targets came to, by its number, or computes it. Groups are of BATCH_PROMPTS, and each
    target's random stream is of its place, so that it does not matter which were computed before.
    """
    room = model.context - min(generation.max_new_tokens, model.context - 1)
    wanted = [target for record in records for target in targets(record, vocabulary, room)]
    found: list[Prediction] = []
    for number, begin in enumerate(range(0, len(wanted), BATCH_PROMPTS)):
        group = wanted[begin : begin + BATCH_PROMPTS]
        predict = partial(_predict, model, task, group, generation, seed, begin, words)
        found += [Prediction.from_dict(values) for values in part(number, predict)]
        progress.report(phase=label, done=len(found), total=len(wanted), unit="texts")
    return found


def summarise(
    task: Task, losses: Sequence[RowLoss], predictions: Sequence[Prediction]
) -> Evaluation:
    """Every metric of a task: the perplexity over rows, and the means over the predictions."""
    metrics: dict[str, float | None] = dict.fromkeys(task.metrics)
    value, _ = perplexity(losses)
    # JSON has no infinity, and no bound could use one: a loss that is not finite is no score.
    metrics["perplexity"] = value if value is not None and math.isfinite(value) else None
    if predictions:
        for name in predictions[0].scores:
            metrics[name] = sum(p.scores[name] for p in predictions) / len(predictions)
    return Evaluation(metrics, tuple(predictions), tuple(losses))


def _predict(
    model: LanguageModel,
    task: Task,
    group: Sequence[Target],
    generation: GenerationOptions,
    seed: int,
    begin: int,
    words: Words,
) -> list[dict[str, Any]]:
    """Predictions as plain data. begin: the place of the first target among all."""
    completions = model.generate(
        [target.prompt for target in group],
        max_new_tokens=generation.max_new_tokens,
        temperature=generation.temperature,
        top_k=generation.top_k,
        top_p=generation.top_p,
        repetition_penalty=generation.repetition_penalty,
        beams=generation.beams,
        length_penalty=generation.length_penalty,
        seed=seed,
        stop=task.stop,
        sample_offset=begin,
    )
    found = []
    for target, completion in zip(group, completions, strict=True):
        text = completion.text.strip()
        scores = _scores(task, text, target.references, words)
        found.append(Prediction(target, text, scores).to_dict())
    return found


def _scores(task: Task, text: str, references: Sequence[str], words: Words) -> dict[str, float]:
    scores = {"non_empty": float(bool(text))}
    if "f1" in task.metrics:
        scores["exact_match"] = over_annotators(exact_match, text, references)
        scores["f1"] = over_annotators(f1, text, references)
    if set(ROUGE_METRICS) & set(task.metrics):
        scores.update(rouge(in_lines(text)[0], in_lines(references[0])[0], words))
    return scores
