"""A conversation about a story as the segments of a record, or of the prompt that asks for its next answer."""

import re
from collections.abc import Iterator, Sequence

from preprocessing.base.errors import InputError
from preprocessing.readers.decoding import normalise_line_ends
from preprocessing.records.record import Segment

QUESTION = " Q: "
ANSWER = "\n A:"

_TURN = re.compile(r"^[ \t]*(Q|A):", re.MULTILINE)


def segments_of(
    story: str, turns: Sequence[tuple[str, ...]], prompt_in_loss: bool
) -> Iterator[Segment]:
    """The text `story\\n Q: q1\\n A: a1\\n Q: q2\\n A: a2`, cut where prompt and answer meet.

    The newline after an answer is in the loss, because the model must learn to stop there; after the
    last answer stands the end of text id instead. It is a segment of the turn that it begins, so that
    one is there too if the turns before are cut off.

    turns: each a question and its answers, the gold one first; a question without one is asked and has none yet.
    """
    yield Segment(story, prompt_in_loss)
    for number, (question, *answers) in enumerate(turns):
        if number:
            yield Segment("\n", in_loss=True)
        start = "" if number else "\n"
        yield Segment(f"{start}{QUESTION}{question}{ANSWER}", prompt_in_loss)
        if answers:
            yield Segment(f" {answers[0]}", in_loss=True, references=tuple(answers))


def next_answer(story: str, turns: Sequence[tuple[str, ...]]) -> tuple[Segment, ...]:
    """The prompt for the answer to the last question. turns: as `segments_of` takes them."""
    story = normalise_line_ends(story).strip()
    if not story:
        raise InputError("the prompt of a conversation begins with its story; there is none.")
    return tuple(segments_of(story, turns, prompt_in_loss=False))


def written_conversation(text: str) -> tuple[Segment, ...]:
    """The prompt of a story with lines `Q: ...` and `A: ...` behind it, of which the last is a question.

    Raises InputError for a text that is not so.
    """
    story, *rest = _TURN.split(text)
    kinds, texts = "".join(rest[::2]), [" ".join(each.split()) for each in rest[1::2]]
    if not re.fullmatch("(QA)*Q", kinds) or not all(texts):
        found = f"found {' '.join(kinds)}" if kinds else "there is none"
        raise InputError(
            "the prompt of a conversation is a story and then lines `Q: ...` and `A: ...` in turn, a question last; "
            f"{found if all(texts) else 'one of them is empty'}."
        )
    answered = zip(texts[:-1:2], texts[1::2], strict=True)
    return next_answer(story, [*answered, (texts[-1],)])
