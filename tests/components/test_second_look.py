"""What a corpus' page shows of documents: how drops begin, what cleaning did; of excluded ones nothing."""

import json
from pathlib import Path
from typing import Any

import pytest

from components.second_look import CleaningExample, SecondLook, look_again
from preprocessing.corpus.whole import read_records
from preprocessing.options import CorpusOptions
from preprocessing.readers.listing import CorpusFiles
from preprocessing.readers.source_file import Corpus
from preprocessing.tasks.registry import list_files

STORY = "By\nAnn Lee\n\nPUBLISHED:\n12:21 EST, 14 May 2012\n\nIt  rained in caf\u00c3\u00a9s.\n\n@highlight\n\nRain .\n"


def looked(root: Path, options: CorpusOptions) -> SecondLook:
    """A second look at the corpus of a folder, whose report has every drop."""
    _, drops = read_records(root, options, 1)
    reasons: dict[str, Any] = {}
    for drop in drops:
        reasons.setdefault(drop.reason, {"first": []})["first"].append(drop.to_dict())
    corpus = CorpusFiles(root)
    return look_again(list_files(corpus, options), Corpus(corpus.open, options, 1), reasons)


@pytest.fixture
def stories(tmp_path: Path) -> Path:
    for name, content in {
        "a": STORY.encode(),
        "b": b"An article that nobody sums up.\n",
        "c": b"\n\n@highlight\n\nA highlight alone\n",
        "d": b"Caf\xe9 closed\n\n@highlight\n\nIt is closed\n",
    }.items():
        (tmp_path / f"{name}.story").write_bytes(content)
    return tmp_path


def test_drops_are_shown_with_their_beginnings(stories: Path) -> None:
    assert looked(stories, CorpusOptions()).beginnings == {
        ("b.story", "b"): "An article that nobody sums up.",
        ("c.story", "c"): "A highlight alone",
        ("d.story", "d"): "Caf\ufffd closed\n\n@highlight\n\nIt is closed\n",
    }


def test_each_step_of_cleaning_is_shown_before_and_after(stories: Path) -> None:
    found = looked(stories, CorpusOptions()).cleaning
    (byline,) = found["byline"]
    assert byline == CleaningExample(
        "a",
        "",
        "By . Ann Lee . PUBLISHED: . 12:21 EST, 14 May 2012 . ",
        "",
        "It rained in caf\u00e9s.",
    )
    (characters,) = [e for e in found["broken encodings and curly quotes"] if e.id == "a"]
    assert (characters.before, characters.after) == ("\u00c3\u00a9", "\u00e9")
    assert characters.head.endswith("It  rained in caf")
    (space, *_) = found["white space"]
    assert (space.before, space.after, space.head[-2:]) == (" ", "", "t ")
    assert found["mark of a highlight's end"][0].before == " ."


def test_no_more_than_three_examples_of_a_step_and_of_as_many_documents(tmp_path: Path) -> None:
    for number in range(5):
        (tmp_path / f"{number}.story").write_text(STORY)
    found = looked(tmp_path, CorpusOptions()).cleaning
    assert {tuple(example.id for example in each) for each in found.values()} == {("0", "1", "2")}


def test_of_a_document_that_is_excluded_nothing_is_shown(stories: Path) -> None:
    (stories / "out.txt").write_text("a\nb\nc.story\n")
    for options in (
        CorpusOptions(exclude=["a", "b", "c.story"]),
        CorpusOptions(exclude=["a.story", "b.story", "c"]),
    ):
        found = looked(stories, options)
        assert found.beginnings.keys() == {("d.story", "d")}
        assert not [each for examples in found.cleaning.values() for each in examples]


def test_rows_of_a_table_and_conversations_begin_with_what_they_have(tmp_path: Path) -> None:
    rows = [{"article": "One.", "highlights": "1"}, {"article": "Two.", "summary": "2"}]
    (tmp_path / "table.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (beginning,) = looked(tmp_path, CorpusOptions()).beginnings.values()
    assert beginning == "article: Two.\nsummary: 2"
    coqa = tmp_path / "coqa"
    coqa.mkdir()
    conversation = {"id": "x", "story": "A story.", "questions": [], "answers": []}
    (coqa / "coqa-train-v1.0.json").write_text(json.dumps({"data": [conversation]}))
    found = looked(coqa, CorpusOptions(task="coqa"))
    assert found.beginnings == {("coqa-train-v1.0.json", "x"): "A story."}
    assert found.cleaning == {}


def test_half_a_surrogate_pair_in_a_table_is_no_character_of_a_page(tmp_path: Path) -> None:
    (tmp_path / "table.jsonl").write_text('{"article": "One \\ud800.", "highlights": "1"}')
    (beginning,) = looked(tmp_path, CorpusOptions()).beginnings.values()
    assert beginning == "article: One ?.\nhighlights: 1"


def test_what_is_written_down_of_a_drop_has_no_text(stories: Path) -> None:
    _, drops = read_records(stories, CorpusOptions(), 1)
    assert all(drop.text for drop in drops)
    assert {key for drop in drops for key in drop.to_dict()} == {"reason", "source", "id", "detail"}
