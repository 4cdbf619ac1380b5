"""A conversation about a story: each question is asked together with what was said before, as long as that fits."""

from dataclasses import dataclass, field

from components.evaluation_inputs import fitting_prompt
from preprocessing.tasks.task import NextAnswer
from preprocessing.tokens.vocabulary import Vocabulary


@dataclass
class Conversation:
    """What was said so far.

    next_answer: see `Task`. room: the most tokens of a prompt. turns: questions with their answers, those that still
    fit.
    """

    next_answer: NextAnswer
    story: str
    vocabulary: Vocabulary
    room: int
    turns: list[tuple[str, str]] = field(default_factory=list)

    def ask(self, question: str) -> str:
        """The prompt for the answer to a question. Of the turns the oldest are forgotten until it fits.

        Where the story does not fit even without them, its end is cut.
        """
        while True:
            segments = self.next_answer(self.story, [*self.turns, (question,)])
            prompt = "".join(segment.text for segment in segments)
            if not self.turns or len(self.vocabulary.encode(prompt)) <= self.room:
                return fitting_prompt(segments, self.vocabulary, self.room)
            del self.turns[0]

    def answered(self, question: str, answer: str) -> None:
        """Note an answer; one without a word is none that a later prompt could have."""
        if answer:
            self.turns.append((question, answer))
