"""A corpus job with the memory of the last one writes, byte for byte, what a job without writes."""

import os
import shutil
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import apache_beam as beam
import pytest
from corpora import conversation, coqa_json, sha1, story, url_of, write_release
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from preprocessing.base import file_state
from preprocessing.base.job_cache import JobCache
from preprocessing.corpus import job as corpus_job
from preprocessing.corpus import update as corpus_update
from preprocessing.corpus.update import CorpusFolders, update_corpus
from preprocessing.options import CorpusOptions
from preprocessing.tasks.sources import list_sources

CNN = CorpusOptions(max_dropped_fraction=1)


@pytest.fixture(autouse=True)
def _small_and_settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shards of few stories, and no wait until a file that was just written counts as settled."""
    monkeypatch.setattr(corpus_job, "SHARD_BYTES", 400)
    monkeypatch.setattr(corpus_update, "_LARGEST_SHARE", 1.5)
    monkeypatch.setattr(file_state, "is_settled", lambda stat, now_ns: True)


def update(root: Path, out: Path, options: CorpusOptions, store: Path | None) -> int | None:
    """Run the job into `out`; how many sources it read, None for all."""
    folders = CorpusFolders(*(str(out / name) for name in ("examples", "index", "report")))
    sources = list_sources(root, options)
    memory = None if store is None else JobCache(store)
    return update_corpus(beam.Pipeline(), str(root), sources, options, 0, folders, memory)


def files_in(folder: Path) -> dict[str, bytes]:
    return {
        file.relative_to(folder).as_posix(): file.read_bytes()
        for file in folder.rglob("*")
        if file.is_file()
    }


def check(root: Path, folder: Path, options: CorpusOptions, number: int) -> int | None:
    """Job `number` with the memory in `folder`, compared with one without."""
    read = update(root, folder / f"out{number}", options, folder / "store")
    update(root, folder / f"full{number}", options, None)
    assert files_in(folder / f"out{number}") == files_in(folder / f"full{number}")
    return read


def story_file(root: Path, number: int) -> Path:
    (file,) = root.rglob(f"{sha1(url_of(number, _site(number)))}.story")
    return file


def _site(number: int) -> str:
    return "www.dailymail.co.uk" if number % 3 == 0 else "www.cnn.com"


def test_without_a_change_nothing_is_read(tmp_path: Path) -> None:
    write_release(tmp_path / "corpus")
    assert check(tmp_path / "corpus", tmp_path, CNN, 0) is None
    assert check(tmp_path / "corpus", tmp_path, CNN, 1) == 0


@pytest.mark.parametrize("on_leak", ["warn", "drop", "fail"])
def test_one_change_after_another_is_followed(tmp_path: Path, on_leak: str) -> None:
    root = tmp_path / "corpus"
    write_release(root)
    options = replace(CNN, on_leak=on_leak)
    assert check(root, tmp_path, options, 0) is None
    text = story_file(root, 5).read_text()
    story_file(root, 5).write_text(story("Article 1.", "A copy of a test story"))
    assert check(root, tmp_path, options, 1) == 1
    story_file(root, 5).write_text(text)
    assert check(root, tmp_path, options, 2) == 1
    # A copy that leaks, and then the copy that was held out goes: the other record comes back.
    story_file(root, 7).write_text(story("Article 2.", "A copy of a validation story"))
    check(root, tmp_path, options, 3)
    story_file(root, 2).unlink()
    assert check(root, tmp_path, options, 4) is not None
    story_file(root, 4).write_text("No highlight.")
    assert check(root, tmp_path, options, 5) == 1
    lists = root / "url_lists"
    moved = f"{url_of(8)}\n"
    (lists / "all_train.txt").write_text((lists / "all_train.txt").read_text().replace(moved, ""))
    (lists / "all_test.txt").write_text((lists / "all_test.txt").read_text() + moved)
    assert check(root, tmp_path, options, 6) is not None


CHANGES = st.lists(
    st.tuples(
        st.sampled_from(["edit", "copy", "remove", "add", "rename", "break", "touch"]),
        st.integers(0, 19),
        st.integers(0, 19),
    ),
    min_size=1,
    max_size=8,
)


HISTORIES = {
    "on_leak": st.sampled_from(["warn", "drop", "fail"]),
    "highlight": st.sampled_from(["all", "each"]),
}


@settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rounds=st.lists(CHANGES, min_size=1, max_size=2), **HISTORIES)
def test_whatever_changes_the_bytes_are_those_of_a_full_job(
    tmp_path: Path, rounds: list[list[tuple[str, int, int]]], on_leak: str, highlight: str
) -> None:
    _follow(tmp_path / "example", rounds, on_leak, highlight)


@pytest.mark.long
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rounds=st.lists(CHANGES, min_size=1, max_size=4), **HISTORIES)
def test_long_histories_of_changes_are_followed(
    tmp_path: Path, rounds: list[list[tuple[str, int, int]]], on_leak: str, highlight: str
) -> None:
    _follow(tmp_path / "example", rounds, on_leak, highlight)


def _follow(
    folder: Path, rounds: list[list[tuple[str, int, int]]], on_leak: str, highlight: str
) -> None:
    """Compare the job with a full one after each round of changes."""
    shutil.rmtree(folder, ignore_errors=True)
    root = folder / "corpus"
    root.mkdir(parents=True)
    options = replace(CNN, on_leak=on_leak, highlight=highlight, test_fraction=0.3)
    for number in range(12):
        (root / f"s{number}.story").write_text(story(f"Article {number}.", "One", "Two"))
    check(root, folder, options, 0)
    for number, changes in enumerate(rounds, start=1):
        for change, one, other in changes:
            _apply(root, change, one, other)
        check(root, folder, options, number)


def _apply(root: Path, change: str, one: int, other: int) -> None:
    file, second = root / f"s{one}.story", root / f"s{other}.story"
    match change:
        case "edit" | "add":
            file.write_text(story(f"Article {one} by {other}.", "One", "Two", "Three"))
        case "copy" if second.exists():
            file.write_bytes(second.read_bytes())
        case "remove" if file.exists() and len(list(root.iterdir())) > 1:
            file.unlink()
        case "rename" if file.exists():
            file.rename(second)
        case "break":
            file.write_bytes(b"\xff\xfe")
        case "touch" if file.exists():
            os.utime(file, ns=(one, other))


def test_rows_of_tables_and_pieces_of_texts_are_followed(tmp_path: Path) -> None:
    root = tmp_path / "corpus"
    root.mkdir()
    (root / "a.txt").write_text("One. " * 200)
    (root / "b.txt").write_text("Two. " * 200)
    (root / "c.jsonl").write_text('{"text": "row one"}\n{"text": ""}\n{"text": "One."}\n')
    options = CorpusOptions(task="text", max_dropped_fraction=1, max_record_bytes=300)
    assert check(root, tmp_path, options, 0) is None
    (root / "c.jsonl").write_text('{"text": "row 1"}\n{"text": "row 2"}\nbroken\n')
    assert check(root, tmp_path, options, 1) == 1
    (root / "a.txt").write_text("One. " * 210)
    assert check(root, tmp_path, options, 2) in (1, 2, None)
    coqa = tmp_path / "coqa"
    coqa.mkdir()
    options = CorpusOptions(task="coqa")
    for number in range(2):
        data = coqa_json(*(conversation(f"c{n}", 1 + number * (n == 2)) for n in range(9)))
        (coqa / "coqa-train-v1.0.json").write_bytes(data)
        check(coqa, tmp_path, options, 3 + number)


def test_other_options_read_everything_but_not_what_is_done_about_leaks(tmp_path: Path) -> None:
    root = tmp_path / "corpus"
    write_release(root)
    story_file(root, 5).write_text(story("Article 1.", "A copy of a test story"))
    assert check(root, tmp_path, CNN, 0) is None
    assert check(root, tmp_path, replace(CNN, on_leak="drop"), 1) == 0
    assert check(root, tmp_path, replace(CNN, highlight="first"), 2) is None
    assert check(root, tmp_path, replace(CNN, highlight="first"), 3) == 0


def test_a_file_that_may_yet_change_is_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_state, "is_settled", lambda stat, now_ns: False)
    root = tmp_path / "corpus"
    write_release(root)
    assert check(root, tmp_path, CNN, 0) is None
    for number in (1, 2):
        assert check(root, tmp_path, CNN, number) == 12


def damages(folder: Path) -> Iterator[Path]:
    """Damages to what is remembered, one after the other; what was damaged."""
    ledger = JobCache(folder / "store").ledger
    examples = sorted((folder / "out0" / "examples").rglob("*.tfrecord"))
    largest = max(examples, key=lambda path: path.stat().st_size)
    largest.write_bytes(largest.read_bytes()[:-1] + b"!")
    yield largest
    shutil.rmtree(folder / "out1")
    yield folder / "out1"
    with sqlite3.connect(ledger) as database:
        database.execute("UPDATE records SET line = REPLACE(line, 'digest', 'Digest')")
    database.close()
    yield ledger
    ledger.write_bytes(b"not a database, " * 100)
    yield ledger
    ledger.unlink()
    yield ledger


def test_what_is_damaged_is_made_anew(tmp_path: Path) -> None:
    write_release(tmp_path / "corpus")
    check(tmp_path / "corpus", tmp_path, CNN, 0)
    for number, _ in enumerate(damages(tmp_path), start=1):
        check(tmp_path / "corpus", tmp_path, CNN, number)
    assert check(tmp_path / "corpus", tmp_path, CNN, 9) == 0


def test_a_fault_is_left_to_the_full_job(tmp_path: Path) -> None:
    root = tmp_path / "corpus"
    root.mkdir()
    file = root / "coqa-train-v1.0.json"
    file.write_bytes(coqa_json(conversation("a"), conversation("b")))
    options = CorpusOptions(task="coqa")
    check(root, tmp_path, options, 0)
    (root / "coqa-dev-v1.0.json").write_bytes(coqa_json(conversation("a")))
    assert check(root, tmp_path, options, 1) is None
    assert (tmp_path / "out1" / "report" / "faults.json").exists()
    (root / "coqa-dev-v1.0.json").write_bytes(b"{")
    assert check(root, tmp_path, options, 2) is None


def test_much_that_changed_is_left_to_the_full_job(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(corpus_update, "_LARGEST_SHARE", 0)
    monkeypatch.setattr(corpus_job, "SHARD_BYTES", 100)
    root = tmp_path / "corpus"
    write_release(root)
    check(root, tmp_path, CNN, 0)
    for number in range(12):
        story_file(root, number).write_text(story(f"Changed {number}.", "One"))
    assert check(root, tmp_path, CNN, 1) is None


def test_a_job_that_fails_leaves_no_spill_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(corpus_job, "write_report", fail)
    write_release(tmp_path / "corpus")
    with pytest.raises(Exception, match="no space left"):
        update(tmp_path / "corpus", tmp_path / "out", CNN, None)
    written = [file.name for file in (tmp_path / "out").rglob("*")]
    assert any(name.endswith(".tfrecord") for name in written)
    assert not any(name.startswith(".") for name in written)
