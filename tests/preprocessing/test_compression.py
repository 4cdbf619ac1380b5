import gzip
import json
import tracemalloc
from pathlib import Path

import pytest
import zstandard
from corpora import conversation, coqa_json, only_drop, only_fault, text_of, write_release
from hypothesis import given
from hypothesis import strategies as st

from preprocessing.base.errors import InputError
from preprocessing.corpus.reading import read_source
from preprocessing.corpus.whole import read_records
from preprocessing.options import CorpusOptions, TaskName
from preprocessing.readers.source_file import Corpus
from preprocessing.records.record import Drop, Fault, Outcome, Record
from preprocessing.tasks.registry import list_sources

MIB = 1 << 20
TEXT = CorpusOptions(task="text")


def compress(file: Path, suffix: str = ".gz") -> None:
    """Put the file's compressed content in its place."""
    to_compressed = gzip.compress if suffix == ".gz" else zstandard.compress
    file.with_name(file.name + suffix).write_bytes(to_compressed(file.read_bytes()))
    file.unlink()


def read(root: Path, options: CorpusOptions) -> list[Outcome]:
    return [
        outcome
        for source in list_sources(root, options)
        for outcome in read_source(source, Corpus(opener(root), options))
    ]


def opener(root: Path):
    folder = root if root.is_dir() else root.parent

    def open_file(name: str):
        return open(folder / name, "rb")

    return open_file


def write_text(root: Path) -> None:
    lines = "".join(f"Line {number}, caf\u00e9.\n" for number in range(200))
    (root / "a.txt").write_text(lines)
    (root / "b.csv").write_text("text\none\n")
    (root / "c.jsonl").write_text('{"text": "one"}\n')


def write_coqa(root: Path) -> None:
    (root / "coqa-train-v1.0.json").write_bytes(coqa_json(conversation("a")))
    (root / "coqa-dev-v1.0.json").write_bytes(coqa_json(conversation("b")))


def write_table(root: Path) -> None:
    row = {"id": "a", "article": "An article.", "highlights": "One"}
    (root / "train.jsonl").write_text(json.dumps(row))


def write_pair(root: Path) -> None:
    (root / "test.txt.src").write_text("an article\n")
    (root / "test.txt.tgt.tagged").write_text("<t> one </t>\n")


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
@pytest.mark.parametrize(
    ("task", "write"),
    [
        ("text", write_text),
        ("coqa", write_coqa),
        ("cnn_dailymail", write_release),
        ("cnn_dailymail", write_table),
        ("cnn_dailymail", write_pair),
    ],
)
def test_a_compressed_corpus_gives_the_records_of_the_plain_one(
    tmp_path, task: TaskName, write, suffix
):
    write(tmp_path)
    options = CorpusOptions(task=task, max_record_bytes=500)
    plain, _ = read_records(tmp_path, options, 0)
    for file in [file for file in tmp_path.rglob("*") if file.is_file()]:
        if file.parent.name != "url_lists":
            compress(file, suffix)
    compressed, drops = read_records(tmp_path, options, 0)
    assert drops == []
    assert [(record.split, record.digest, text_of(record)) for record in compressed] == [
        (record.split, record.digest, text_of(record)) for record in plain
    ]
    if write is write_release:
        assert compressed[0].id == plain[0].id


def test_a_single_compressed_file_is_a_corpus(tmp_path):
    write_coqa(tmp_path)
    compress(tmp_path / "coqa-dev-v1.0.json")
    (record,) = read(tmp_path / "coqa-dev-v1.0.json.gz", CorpusOptions(task="coqa"))
    assert (record.id, record.split) == ("b", "test")


@pytest.mark.parametrize(
    ("name", "start", "options"),
    [
        ("a.story.gz", b"", CorpusOptions(max_record_bytes=MIB)),
        ("coqa-dev-v1.0.json.gz", b"", CorpusOptions(task="coqa", max_record_bytes=MIB // 16)),
        ("train.jsonl.gz", b"", CorpusOptions(max_record_bytes=MIB)),
        ("train.jsonl.gz", b"", CorpusOptions(task="text", max_record_bytes=MIB)),
        ("train.csv.gz", b'text\n"', CorpusOptions(task="text", max_record_bytes=MIB)),
        ("a.txt.gz", b"", CorpusOptions(task="text", max_record_bytes=MIB)),
    ],
)
def test_a_small_file_that_would_become_a_huge_one_fills_no_memory(tmp_path, name, start, options):
    with gzip.open(tmp_path / name, "wb", compresslevel=1) as file:
        file.write(start)
        for _ in range(64):
            file.write(b"x" * MIB)
    sources = list_sources(tmp_path, options)
    tracemalloc.start()
    sources = [*sources[:2], sources[-1]] if len(sources) > 3 else sources
    reasons = set()
    for source in sources:
        for outcome in read_source(source, Corpus(opener(tmp_path), options)):
            reasons.add(getattr(outcome, "reason", type(outcome).__name__))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 16 * MIB
    # The quote that the table opens is never closed.
    expected = {"coqa-dev-v1.0.json.gz": "Fault", "train.csv.gz": "Fault", "a.txt.gz": "Record"}
    assert reasons == {expected.get(name, "too_large")}


def test_what_is_too_large_says_so(tmp_path):
    (tmp_path / "a.story.gz").write_bytes(gzip.compress(b"x" * 101))
    drop = only_drop(read(tmp_path, CorpusOptions(max_record_bytes=100)))
    assert (drop.reason, drop.id) == ("too_large", "a")
    assert drop.detail == "decompressed more than 100 bytes, max_record_bytes"
    dev = tmp_path / "coqa-dev-v1.0.json"
    dev.write_bytes(coqa_json(conversation()))
    options = CorpusOptions(task="coqa", max_record_bytes=10)
    with pytest.raises(InputError, match=r"coqa-dev.*a file of conversations may have 160"):
        list_sources(tmp_path, options)
    compress(dev)
    assert "a file of conversations may have 160" in only_fault(read(tmp_path, options))


def test_a_broken_or_cut_off_file_is_a_fault_or_an_error(tmp_path):
    content = gzip.compress(b'{"text": "one"}\n' * 50)
    for broken in (b"no gzip", content[: len(content) // 2], content[:-8] + b"\0" * 8):
        (tmp_path / "a.jsonl.gz").write_bytes(broken)
        assert "a.jsonl.gz: cannot be read" in only_fault(read(tmp_path, TEXT)[-1:])
    (tmp_path / "a.txt.gz").write_bytes(content[: len(content) // 2])
    faults = [outcome for outcome in read(tmp_path, TEXT) if isinstance(outcome, Fault)]
    assert faults[-1].message.startswith("a.txt.gz: cannot be decompressed")


def test_a_broken_or_cut_off_file_of_zstandard_is_a_fault(tmp_path):
    content = zstandard.compress(b'{"text": "one"}\n' * 50)
    for broken in (b"no zstandard", content[: len(content) // 2], content[:-1]):
        (tmp_path / "a.jsonl.zst").write_bytes(broken)
        assert "a.jsonl.zst: cannot be read" in only_fault(read(tmp_path, TEXT)[-1:])


def test_frames_of_zstandard_follow_each_other_and_are_never_held_whole(tmp_path):
    lines = [f'{{"text": "{number}"}}\n'.encode() for number in range(3)]
    bomb = zstandard.compress(b" " * (90 * MIB))
    frames = [*map(zstandard.compress, lines[:2]), bomb, zstandard.compress(b"\n" + lines[2])]
    (tmp_path / "a.jsonl.zst").write_bytes(b"".join(frames))
    options = CorpusOptions(task="text", max_record_bytes=MIB)
    tracemalloc.start()
    found = read(tmp_path, options)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [isinstance(outcome, Record) for outcome in found] == [True, True, False, True]
    assert peak < 80 * MIB


@given(st.binary(), st.integers(0, 60), st.sampled_from(["a.story.gz", "a.jsonl.gz"]))
def test_any_bytes_as_gzip_become_outcomes(tmp_path_factory, data, cut, name):
    root = tmp_path_factory.mktemp("corpus")
    (root / name).write_bytes(gzip.compress(data)[cut:])
    for outcome in read(root, CorpusOptions()):
        assert isinstance(outcome, Record | Drop | Fault)
