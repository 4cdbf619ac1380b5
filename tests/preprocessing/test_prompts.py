"""A prompt of what a user has is the beginning of the example that it would be."""

import json
from pathlib import Path

import pytest

from preprocessing.base.errors import InputError
from preprocessing.corpus.whole import read_records
from preprocessing.options import CorpusOptions, TaskName
from preprocessing.records.record import Record, Segment
from preprocessing.tasks.registry import TASKS
from tests.preprocessing.corpora import conversation, story

ARTICLE = "LONDON, England (CNN) -- The harbour opened\n\nIt was Monday .\r\n"


def record_of(corpus: Path, task: TaskName) -> Record:
    (record,) = read_records(corpus, CorpusOptions(task=task), 0)[0]
    return record


def text_of(segments: tuple[Segment, ...]) -> str:
    return "".join(segment.text for segment in segments)


@pytest.mark.parametrize("raw", [ARTICLE, story(ARTICLE, "It opened")], ids=["article", "story"])
def test_an_article_is_cleaned_and_followed_by_the_separator(tmp_path: Path, raw: str) -> None:
    (tmp_path / "a.story").write_bytes(story(ARTICLE, "It opened").encode())
    expected = record_of(tmp_path, "cnn_dailymail").segments[:2]
    assert text_of(TASKS["cnn_dailymail"].prompt(raw)) == text_of(expected)
    assert text_of(expected).endswith(".\nTL;DR:\n")


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_a_story_with_questions_is_the_conversation_up_to_the_answer(
    tmp_path: Path, turns: int
) -> None:
    (tmp_path / "c.json").write_text(json.dumps([conversation(turns=turns)]))
    expected = record_of(tmp_path, "coqa").segments[:-1]
    lines = [line for n in range(1, turns + 1) for line in (f"Q: q{n}?", f"  A:  a{n}")]
    raw = "\n".join(["A story.", *lines[:-1]]) + "\n"
    assert text_of(TASKS["coqa"].prompt(raw)) == text_of(expected)


def test_a_question_may_go_on_in_the_next_line() -> None:
    assert text_of(TASKS["coqa"].prompt("S.\nQ: Who\n  was it?")) == "S.\n Q: Who was it?\n A:"


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        ("A story.", "there is none"),
        ("A story.\nA: An answer.", "found A"),
        ("A story.\nQ: One?\nQ: Two?", "found Q Q"),
        ("A story.\nQ: One?\nA: Yes.", "found Q A"),
        ("A story.\nQ:\n", "one of them is empty"),
        ("\nQ: One?", "begins with its story; there is none"),
    ],
    ids=["no question", "an answer first", "no answer", "no last question", "no words", "no story"],
)
def test_what_is_no_conversation_is_refused(raw: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        TASKS["coqa"].prompt(raw)


@pytest.mark.parametrize("raw", ["", " \n", "@highlight\n\nOnly this"])
def test_an_article_without_text_is_refused(raw: str) -> None:
    with pytest.raises(InputError, match="it has no text"):
        TASKS["cnn_dailymail"].prompt(raw)


def test_a_text_goes_on_as_it_is() -> None:
    assert text_of(TASKS["text"].prompt(" One.\r\nTwo ")) == " One.\nTwo "
