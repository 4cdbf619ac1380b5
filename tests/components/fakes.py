"""A language model that says what a test wants, and small records and rows."""

import random
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from preprocessing.records.record import Record, Segment
from preprocessing.tokens.rows import Row
from serving.model import Completion, LanguageModel


class FakeModel(LanguageModel):
    """Writes `answer(prompt)`, or four random words by (seed, sample); gives every token one log-probability.

    Attributes:
        calls: the keyword arguments of every call of `generate`, with its prompts.
        batches: what every call of `score_rows` got.
    """

    def __init__(
        self,
        answer: Callable[[str], str] | None = None,
        context: int = 1024,
        log_probability: float = -1.0,
    ) -> None:
        super().__init__({}, context, None)
        self.answer = answer
        self.log_probability = log_probability
        self.calls: list[dict[str, object]] = []
        self.batches: list[Mapping[str, np.ndarray]] = []

    def generate(
        self,
        prompts: Sequence[str],
        *,
        max_new_tokens: int,
        temperature: float = 1.0,
        top_k: int = 0,
        top_p: float = 1.0,
        repetition_penalty: float = 1.0,
        beams: int = 1,
        length_penalty: float = 1.0,
        seed: int = 0,
        stop: Sequence[str] = (),
        sample_offset: int = 0,
    ) -> list[Completion]:
        self.calls.append(
            {
                "prompts": list(prompts),
                "max_new_tokens": max_new_tokens,
                "temperature": temperature,
                "top_k": top_k,
                "top_p": top_p,
                "seed": seed,
                "stop": tuple(stop),
                "sample_offset": sample_offset,
            }
        )
        completions = []
        for number, prompt in enumerate(prompts, start=sample_offset):
            draw = random.Random(f"{seed} {number}")
            text = self.answer(prompt) if self.answer else " ".join(draw.choices("abcdefgh", k=4))
            for string in stop:
                text = text.split(string)[0]
            completions.append(Completion(text, len(text), "stop"))
        return completions

    def score_rows(self, rows: Mapping[str, np.ndarray]) -> np.ndarray:
        self.batches.append(rows)
        count, length = rows["input_ids"].shape
        return np.full([count, length - 1], self.log_probability, np.float32)


def news_record(
    number: int = 0, article: str = "An article.", summary: str = "A summary."
) -> Record:
    """A record of cnn_dailymail in the test split."""
    segments = (
        Segment(article, False),
        Segment("\nTL;DR:\n", False),
        Segment(summary, True, (summary,)),
    )
    return Record(f"id{number:03}", f"{number}.story", 0, "d" * 64, "test", segments)


def conversation_record(*turns: tuple[str, ...], story: str = "A story.") -> Record:
    """A record of coqa in the test split; a turn is a question and its accepted answers."""
    segments = [Segment(story, False)]
    for number, (question, *answers) in enumerate(turns):
        start, end = "" if number else "\n", "\n" if number < len(turns) - 1 else ""
        segments.append(Segment(f"{start} Q: {question}\n A:", False))
        segments.append(Segment(f" {answers[0]}{end}", True, tuple(answers)))
    return Record("c1", "coqa.json", 0, "d" * 64, "test", tuple(segments))


def row(segment_ids: Sequence[int], loss_mask: Sequence[int]) -> Row:
    """A row with these segments and this mask; the tokens count up from 1."""
    length = len(segment_ids)
    return Row(
        input_ids=np.arange(1, length + 1, dtype=np.int64),
        loss_mask=np.array(loss_mask, np.int64),
        segment_ids=np.array(segment_ids, np.int64),
        positions=np.zeros(length, np.int64),
    )
