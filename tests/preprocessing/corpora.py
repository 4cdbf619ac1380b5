"""Small corpora, written into a folder of the test."""

import hashlib
import json
from pathlib import Path
from typing import Any

from preprocessing.readers.source_file import SourceFile
from preprocessing.records.record import Drop, Fault, Outcome, Record


def whole(name: str, data: bytes, split: str | None = "train") -> SourceFile:
    """The source of a whole file."""
    return SourceFile(name, len(data), split, 0, len(data))


def story(article: str, *highlights: str) -> str:
    """The text of a story file."""
    return article + "".join(f"\n\n@highlight\n\n{highlight}" for highlight in highlights)


def url_of(number: int, site: str = "www.cnn.com") -> str:
    return f"http://{site}/{number}.html"


def sha1(url: str) -> str:
    return hashlib.sha1(url.encode()).hexdigest()


def write_release(root: Path, count: int = 12) -> list[str]:
    """A CNN/DailyMail release of `count` stories with url lists; returns the stories' ids."""
    lists: dict[str, list[str]] = {"train": [], "val": [], "test": []}
    ids = []
    for number in range(count):
        publisher = "dailymail" if number % 3 == 0 else "cnn"
        url = url_of(number, "www.dailymail.co.uk" if number % 3 == 0 else "www.cnn.com")
        lists["test" if number == 1 else "val" if number == 2 else "train"].append(url)
        file = root / publisher / "stories" / f"{sha1(url)}.story"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(story(f"Article {number}.", f"First of {number}", f"Second of {number}"))
        ids.append(sha1(url))
    (root / "url_lists").mkdir()
    for name, urls in lists.items():
        (root / "url_lists" / f"all_{name}.txt").write_text("".join(f"{url}\n" for url in urls))
    return ids


def conversation(conversation_id: str = "c1", turns: int = 2, **changes: Any) -> dict[str, Any]:
    """A conversation in CoQA's schema."""
    numbers = range(1, turns + 1)
    return {
        "id": conversation_id,
        "source": "wikipedia",
        "story": "A story.",
        "questions": [{"input_text": f"q{n}?", "turn_id": n} for n in numbers],
        "answers": [{"input_text": f"a{n}", "turn_id": n} for n in numbers],
        **changes,
    }


def coqa_json(*conversations: Any) -> bytes:
    """The bytes of a CoQA file."""
    return json.dumps({"version": "1.0", "data": list(conversations)}).encode()


def text_of(record: Record) -> str:
    """All of a record's text."""
    return "".join(segment.text for segment in record.segments)


def only_record(outcomes: list[Outcome]) -> Record:
    (outcome,) = outcomes
    assert isinstance(outcome, Record), outcome
    return outcome


def only_drop(outcomes: list[Outcome]) -> Drop:
    (outcome,) = outcomes
    assert isinstance(outcome, Drop), outcome
    return outcome


def only_fault(outcomes: list[Outcome]) -> str:
    (outcome,) = outcomes
    assert isinstance(outcome, Fault), outcome
    return outcome.message
