"""What lies at a place is recognised as the corpus of one task, or said to be of none or several."""

import json
from collections.abc import Callable
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest

from preprocessing.base.errors import InputError
from preprocessing.readers.listing import CorpusFiles
from preprocessing.tasks.recognition import Recognised, recognise
from preprocessing.tasks.registry import TASKS
from tests.preprocessing.corpora import conversation, story, write_release

DOCUMENT = {"document": "An article.", "summary": "A summary."}


def found_in(folder: Path) -> Recognised:
    return recognise(CorpusFiles(folder))


def rows(path: Path, *values: object) -> None:
    path.write_text("".join(f"{json.dumps(value)}\n" for value in values), encoding="utf-8")


def parquet(path: Path, *values: dict[str, object]) -> None:
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(list(values)), path)


def write_pair(folder: Path) -> None:
    (folder / "test.txt.src").write_text("an article\n")
    (folder / "test.txt.tgt.tagged").write_text("<t> a summary </t>\n")


WRITERS: dict[str, tuple[Callable[[Path], object], str, dict[str, str]]] = {
    "the release with its lists": (write_release, "cnn_dailymail", {}),
    "stories": (lambda f: (f / "a.story").write_text(story("A.", "B")), "cnn_dailymail", {}),
    "pairs": (write_pair, "cnn_dailymail", {}),
    "a table of articles": (
        lambda f: rows(f / "a.jsonl", {"article": "A.", "highlights": "B"}),
        "cnn_dailymail",
        {},
    ),
    "a csv of articles": (
        lambda f: (f / "a.csv").write_text("id,article,highlights\n1,A.,B\n"),
        "cnn_dailymail",
        {},
    ),
    "documents with summaries": (
        lambda f: parquet(f / "a.parquet", DOCUMENT),
        "cnn_dailymail",
        {"article_column": "document", "highlights_column": "summary"},
    ),
    "conversations": (
        lambda f: (f / "mine.json").write_text(json.dumps({"data": [conversation()]}, indent=1)),
        "coqa",
        {},
    ),
    "conversations a line": (lambda f: rows(f / "mine.jsonl", conversation()), "coqa", {}),
    "conversations in Hugging Face's layout": (
        lambda f: parquet(
            f / "train.parquet",
            {"story": "S.", "questions": ["q?"], "answers": {"input_text": ["a"]}},
        ),
        "coqa",
        {},
    ),
    "a text": (lambda f: (f / "book.txt").write_text("Prose.\n"), "text", {}),
    "WikiText": (lambda f: (f / "wiki.train.raw").write_text("Prose.\n"), "text", {}),
    "a table of texts": (lambda f: rows(f / "a.jsonl", "broken", {"text": "Prose."}), "text", {}),
    "an array of texts": (lambda f: (f / "a.json").write_text('[{"text": "Prose."}]'), "text", {}),
    "stories with notes": (
        lambda f: (
            (f / "a.story").write_text(story("A.", "B")),
            (f / "README.txt").write_text("Whose they are.\n"),
            (f / "LICENSE-2.0.txt").write_text("Who may read them.\n"),
        ),
        "cnn_dailymail",
        {},
    ),
    "texts with a table about them": (
        lambda f: (
            (f / "book.txt").write_text("Prose.\n"),
            (f / "authors.csv").write_text("name,born\nA,1815\n"),
        ),
        "text",
        {},
    ),
}


@pytest.mark.parametrize("what", WRITERS)
def test_a_corpus_is_recognised_by_what_lies_there(tmp_path: Path, what: str) -> None:
    write, task, keys = WRITERS[what]
    write(tmp_path)
    found = found_in(tmp_path)
    assert (found.task.name, found.keys) == (task, keys)
    assert found.sources


@pytest.mark.parametrize("name", TASKS)
def test_the_corpora_that_ship_are_those_of_their_tasks(root: Path, name: str) -> None:
    assert found_in(root / "data" / name).task.name == name


def test_a_single_file_is_recognised_as_a_folder_is(tmp_path: Path) -> None:
    rows(tmp_path / "a.jsonl", DOCUMENT)
    (tmp_path / "book.txt").write_text("Prose.\n")
    assert found_in(tmp_path / "a.jsonl").task.name == "cnn_dailymail"
    assert found_in(tmp_path / "book.txt").task.name == "text"


def test_files_and_bytes_are_those_that_are_read(tmp_path: Path) -> None:
    write_pair(tmp_path)
    (tmp_path / "notes.md").write_text("Not read.\n")
    found = found_in(tmp_path)
    names = ("test.txt.src", "test.txt.tgt.tagged")
    assert found.files == 2
    assert found.size == sum((tmp_path / name).stat().st_size for name in names)


def test_what_is_of_no_task_is_said_with_what_each_task_takes(tmp_path: Path) -> None:
    (tmp_path / "a.PDF").touch()
    (tmp_path / "b.pdf.gz").touch()
    (tmp_path / "notes").touch()
    rows(tmp_path / "a.jsonl", {"title": "A", "body": "B"})
    with pytest.raises(InputError) as raised:
        found_in(tmp_path)
    assert "found 2 .pdf, 1 .jsonl, 1 without a suffix" in str(raised.value)
    assert "--task" in str(raised.value)
    for task in TASKS.values():
        assert f"{task.name}: {task.corpora}" in str(raised.value)


def test_what_is_of_several_tasks_is_said_with_their_names(tmp_path: Path) -> None:
    rows(tmp_path / "a.jsonl", {"article": "A.", "highlights": "B", "text": "C"})
    with pytest.raises(InputError, match=r"cnn_dailymail and text, found 1 \.jsonl; .*--task"):
        found_in(tmp_path)


def test_a_task_that_is_given_is_not_asked_for_but_finds_its_columns(tmp_path: Path) -> None:
    rows(tmp_path / "a.jsonl", {**DOCUMENT, "text": "C"})
    found = recognise(CorpusFiles(tmp_path), TASKS["cnn_dailymail"])
    assert found.keys == {"article_column": "document", "highlights_column": "summary"}
    assert recognise(CorpusFiles(tmp_path), TASKS["text"]).keys == {}


def test_nothing_at_the_place_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file or folder"):
        found_in(tmp_path / "missing")


def test_a_folder_that_may_not_be_read_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: str) -> None:
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr("os.scandir", refuse)
    with pytest.raises(InputError, match="permission denied; make the corpus readable"):
        found_in(tmp_path)


@pytest.mark.parametrize(
    "content",
    [b"", b"\xff\xfe", b"{", b"[1, 2]", b'{"data": 3}', b'{"data": [3]}', b"null\n" * 200],
    ids=["empty", "no UTF-8", "cut off", "numbers", "no list", "no conversation", "nulls"],
)
def test_a_table_that_cannot_be_read_is_of_no_task(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(InputError, match=r"found 1 \.json"):
        found_in(tmp_path)
