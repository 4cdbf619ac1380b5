"""The same hostile content in every format: one reason each, and never more memory than a record's."""

import json
import tracemalloc
from collections import Counter
from pathlib import Path

import pytest
from corpora import conversation, coqa_json, sha1, story, text_of, url_of, write_release
from unpacking import unpack

from preprocessing.corpus.reading import read_source
from preprocessing.corpus.whole import read_records
from preprocessing.options import CorpusOptions, TaskName, TokenOptions
from preprocessing.readers.source_file import Corpus
from preprocessing.records.record import Drop, Fault, Record
from preprocessing.tasks.registry import list_sources
from preprocessing.tokens.record_rows import rows_of
from preprocessing.tokens.statistics import TokenStatistics
from preprocessing.tokens.vocabulary import load_vocabulary

MIB = 1 << 20
END_OF_TEXT = "<|endoftext|>"
MARK = b"\xef\xbb\xbf"

# Content for each format, as the bytes of its files by name.
FORMATS: list[tuple[TaskName, dict[str, bytes]]] = [
    ("cnn_dailymail", {"a.story": story("Some TEXT here.", "One").encode()}),
    ("cnn_dailymail", {"train.jsonl": b'{"article": "Some TEXT here.", "highlights": "One"}\n'}),
    (
        "cnn_dailymail",
        {"train.txt.src": b"Some TEXT here.\n", "train.txt.tgt.tagged": b"<t> One </t>\n"},
    ),
    ("coqa", {"coqa-train-v1.0.json": coqa_json(conversation(story="Some TEXT here."))}),
    ("text", {"a.txt": b"Some TEXT here.\n"}),
    ("text", {"train.csv": b"text\nSome TEXT here.\n"}),
    ("text", {"train.jsonl": b'{"text": "Some TEXT here."}\n'}),
]
every_format = pytest.mark.parametrize(
    ("task", "files"), FORMATS, ids=[f"{task}-{next(iter(files))}" for task, files in FORMATS]
)


def options_of(task: TaskName, **changes: int) -> CorpusOptions:
    return CorpusOptions(task=task, validation_fraction=0, test_fraction=0, **changes)


def write(folder: Path, files: dict[str, bytes], text: bytes) -> Path:
    """The files with `text` in place of TEXT."""
    folder.mkdir(exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content.replace(b"TEXT", text))
    return folder


def outcomes_of(folder: Path, options: CorpusOptions) -> list[Record | Drop | Fault]:
    def open_file(name: str):
        return open(folder / name, "rb")

    return [
        outcome
        for source in list_sources(folder, options)
        for outcome in read_source(source, Corpus(open_file, options))
    ]


@every_format
def test_the_characters_of_end_of_text_never_become_its_id(tmp_path, task, files):
    write(tmp_path, files, END_OF_TEXT.encode())
    (record,), drops = read_records(tmp_path, options_of(task), 0)
    assert drops == []
    assert END_OF_TEXT in text_of(record)
    options, vocabulary = TokenOptions(sequence_length=128), load_vocabulary("gpt2")
    rows = rows_of([record], vocabulary, options, TokenStatistics())
    (sequence,) = unpack(rows)
    *ids, last = sequence.ids.tolist()
    assert last == vocabulary.end_of_text
    assert last not in ids
    assert vocabulary.decode(ids) == text_of(record)


@every_format
@pytest.mark.parametrize(
    ("text", "reasons"),
    [
        (b"caf\xe9", {"not_utf8"}),
        ("caf\u00e9".encode()[:-1], {"not_utf8"}),
        (b"a\0b", {"nul_bytes", "not_json"}),
    ],
    ids=["latin-1", "half a character", "NUL"],
)
def test_what_is_no_text_has_one_reason(tmp_path, task, files, text, reasons):
    (found,) = outcomes_of(write(tmp_path, files, text), options_of(task))
    if isinstance(found, Drop):
        assert found.reason in reasons
    else:
        assert task == "coqa"  # one JSON document, which cannot be read around its fault
        assert isinstance(found, Fault)
        assert found.message.startswith("coqa-train-v1.0.json")


@every_format
def test_a_byte_order_mark_and_line_ends_of_windows_change_no_record(tmp_path, task, files):
    options = options_of(task)
    plain, _ = read_records(write(tmp_path / "plain", files, b"plain"), options, 0)
    windows = {name: MARK + data.replace(b"\n", b"\r\n") for name, data in files.items()}
    found, drops = read_records(write(tmp_path / "windows", windows, b"plain"), options, 0)
    assert drops == []
    assert list(map(text_of, found)) == list(map(text_of, plain))


@every_format
def test_empty_files_are_counted_or_refused(tmp_path, task, files):
    found = outcomes_of(write(tmp_path, dict.fromkeys(files, b""), b""), options_of(task))
    (outcome,) = found
    if isinstance(outcome, Drop):
        assert outcome.reason in ("empty", "empty_article")
    else:
        assert isinstance(outcome, Fault)
        assert "line 1, column 1: not JSON" in outcome.message


def test_url_lists_of_windows_name_their_stories(tmp_path):
    ids = write_release(tmp_path)
    for file in (tmp_path / "url_lists").iterdir():
        file.write_bytes(MARK + file.read_bytes().replace(b"\n", b"\r\n"))
    sources = list_sources(tmp_path, CorpusOptions())
    assert [source.drop for source in sources] == [None] * len(ids)
    (test,) = [source for source in sources if source.split == "test"]
    assert Path(test.name).stem == ids[1] == sha1(url_of(1))


LARGE = [
    ("cnn_dailymail", "a.story", b""),
    ("cnn_dailymail", "train.jsonl", b'{"article": "'),
    ("text", "train.jsonl", b'{"text": "'),
    ("text", "train.csv", b"text\n"),
]


def check_large(folder: Path, task: TaskName, name: str, start: bytes, size: int, most: int):
    """The reasons for a file that is one line of `size` bytes and, where there can be, a good one."""
    with open(folder / name, "wb") as file:
        file.write(start)
        file.truncate(size)  # a hole of NUL bytes, which takes no room on the disk
    rows = {"text": "ok", "article": "An article.", "highlights": "One"}
    if not name.endswith(".story"):
        with open(folder / name, "ab") as file:
            file.write(b"\n" + (b"ok" if name.endswith(".csv") else json.dumps(rows).encode()))
    tracemalloc.start()
    found = outcomes_of(folder, options_of(task, max_record_bytes=most))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 12 * MIB
    assert isinstance(found[-1], Record) or name.endswith(".story")
    return Counter(outcome.reason for outcome in found if isinstance(outcome, Drop))


@pytest.mark.parametrize(("task", "name", "start"), LARGE)
def test_a_line_longer_than_a_record_may_be_is_counted(tmp_path, task, name, start):
    assert check_large(tmp_path, task, name, start, 5000, 1000) == {"too_large": 1}


@pytest.mark.long
@pytest.mark.parametrize(("task", "name", "start"), LARGE)
def test_a_line_of_500_megabytes_is_counted_in_little_memory(tmp_path, task, name, start):
    assert check_large(tmp_path, task, name, start, 500 * MIB, MIB) == {"too_large": 1}
