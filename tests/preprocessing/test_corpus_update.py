"""A corpus job with the memory of the last one writes, byte for byte, what a job without writes."""

import gzip
import io
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import apache_beam as beam
import numpy as np
import pyarrow
import pyarrow.parquet
import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from corpora import conversation, coqa_json, sha1, story, url_of, write_release
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from memory_store import MemoryStore, objects_in, put

from preprocessing.base import file_digests, file_state, workers
from preprocessing.base.digests import sha256_text
from preprocessing.base.job_cache import JobCache
from preprocessing.base.staging import CACHE_TAG
from preprocessing.corpus import portions, shards
from preprocessing.corpus.job import CorpusFolders, write_corpus
from preprocessing.corpus.memory import CorpusMemory, PortionKeys
from preprocessing.corpus.portions import Portion
from preprocessing.corpus.report import Tally
from preprocessing.corpus.steps import CorpusJob
from preprocessing.options import CorpusOptions
from preprocessing.readers import table_pieces
from preprocessing.readers.source_file import SourceFile
from preprocessing.readers.sources import Sources
from preprocessing.records.record import Fault
from preprocessing.tasks.registry import list_sources

CNN = CorpusOptions(max_dropped_fraction=1)
FOLDERS = ("examples", "index", "report")
BY_BEAM = ("--direct_running_mode=multi_threading", "--direct_num_workers=2")
PARALLEL = ("--direct_running_mode=multi_processing", "--direct_num_workers=2")


@pytest.fixture(autouse=True)
def _small_and_settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """A portion for each file, and no wait until a file that was just written counts as settled."""
    monkeypatch.setattr(portions, "PORTION_BYTES", 1)
    for module in (file_state, file_digests):
        monkeypatch.setattr(module, "is_settled", lambda stat, now_ns: True)


def update(
    root: Path, out: Path, options: CorpusOptions, store: Path, flags: Sequence[str] = ()
) -> int | None:
    """Run the job into `out`; how many sources it read, None for all."""
    folders = CorpusFolders(*(str(out / name) for name in FOLDERS))
    pipeline = beam.Pipeline(options=PipelineOptions(list(flags)))
    return write_corpus(pipeline, str(root), options, 0, folders, JobCache(store)).read


def files_in(folder: Path) -> dict[str, bytes]:
    return {
        file.relative_to(folder).as_posix(): file.read_bytes()
        for file in folder.rglob("*")
        if file.is_file()
    }


def check(root: Path, folder: Path, options: CorpusOptions, number: int) -> int | None:
    """Job `number` with the memory in `folder`, compared with one that knows nothing and one in a store of objects."""
    read = update(root, folder / f"out{number}", options, folder / "store")
    update(root, folder / f"full{number}", options, folder / f"store{number}")
    written = files_in(folder / f"full{number}")
    assert files_in(folder / f"out{number}") == written
    assert in_a_store(files_in(root), options) == written
    return read


def in_a_store(corpus: dict[str, bytes], options: CorpusOptions) -> dict[str, bytes]:
    """What the job writes into a store of objects where the corpus is in one, too."""
    MemoryStore.objects.clear()
    put("mem://bucket/corpus", corpus)
    folders = CorpusFolders(*(f"mem://bucket/out/{name}" for name in FOLDERS))
    write_corpus(beam.Pipeline(), "mem://bucket/corpus", options, 0, folders)
    return objects_in("mem://bucket/out")


def story_file(root: Path, number: int) -> Path:
    (file,) = root.rglob(f"{sha1(url_of(number, _site(number)))}.story")
    return file


def _site(number: int) -> str:
    return "www.dailymail.co.uk" if number % 3 == 0 else "www.cnn.com"


def test_a_pipeline_of_beam_writes_the_same(tmp_path: Path) -> None:
    write_release(tmp_path / "corpus")
    update(tmp_path / "corpus", tmp_path / "here", CNN, tmp_path / "store")
    update(tmp_path / "corpus", tmp_path / "beam", CNN, tmp_path / "other", BY_BEAM)
    assert files_in(tmp_path / "here") == files_in(tmp_path / "beam")


def test_forked_processes_write_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_release(tmp_path / "corpus")
    update(tmp_path / "corpus", tmp_path / "here", CNN, tmp_path / "store")
    monkeypatch.setattr(workers, "SMALL_BYTES", 0)
    update(tmp_path / "corpus", tmp_path / "forked", CNN, tmp_path / "other", PARALLEL)
    assert files_in(tmp_path / "here") == files_in(tmp_path / "forked")
    assert update(tmp_path / "corpus", tmp_path / "again", CNN, tmp_path / "other", PARALLEL) == 0


def test_without_a_change_nothing_is_read(tmp_path: Path) -> None:
    write_release(tmp_path / "corpus")
    assert check(tmp_path / "corpus", tmp_path, CNN, 0) is None
    assert check(tmp_path / "corpus", tmp_path, CNN, 1) == 0
    assert (tmp_path / "store" / "corpus" / CACHE_TAG).is_file()


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


# A row of a table: a text by its number, a broken one, one that a name or a summary is missing from.
ROWS = st.lists(st.integers(-2, 12), max_size=12)
TABLES = st.dictionaries(
    st.sampled_from(["a", "train", "test"]),
    st.tuples(st.sampled_from(["jsonl", "csv", "jsonl.gz", "parquet", "npz", "txt"]), ROWS),
    max_size=3,
)


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    rounds=st.lists(TABLES, min_size=2, max_size=4),
    on_leak=st.sampled_from(["warn", "drop"]),
    excluded=st.lists(st.integers(0, 12), max_size=1),
)
def test_tables_and_texts_are_followed_in_every_format(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    rounds: list[dict[str, tuple[str, list[int]]]],
    on_leak: str,
    excluded: list[int],
) -> None:
    monkeypatch.setattr(table_pieces, "PIECE_BYTES", 20)
    monkeypatch.setattr(shards, "PART_BYTES", 300)
    folder = tmp_path / "example"
    shutil.rmtree(folder, ignore_errors=True)
    root = folder / "corpus"
    options = CorpusOptions(task="text", max_dropped_fraction=1, on_leak=on_leak)
    for number, tables in enumerate(rounds):
        shutil.rmtree(root, ignore_errors=True)
        root.mkdir(parents=True)
        (root / "base.jsonl").write_bytes(rows_as("jsonl", [*range(13)]))
        for name, (suffix, rows) in tables.items():
            (root / f"{name}.{suffix}").write_bytes(rows_as(suffix, rows))
        named = [sha256_text(text_of_row(row))[:32] for row in excluded] if number % 2 else []
        check(root, folder, replace(options, exclude=named), number)


def text_of_row(number: int) -> str:
    return f"Text {number}." if number >= 0 else ""


def rows_as(suffix: str, rows: list[int]) -> bytes:
    """The bytes of a file with these rows."""
    texts = [text_of_row(row) for row in rows]
    match suffix:
        case "jsonl" | "jsonl.gz":
            lines = (json.dumps({"text": text}) if text else "broken" for text in texts)
            data = "".join(f"{line}\n" for line in lines).encode()
            return gzip.compress(data, mtime=0) if suffix.endswith(".gz") else data
        case "csv":
            return "".join(f"{text}\n" for text in ["text", *texts]).encode()
        case "parquet":
            buffer = io.BytesIO()
            table = pyarrow.table({"text": pyarrow.array(texts, pyarrow.string())})
            pyarrow.parquet.write_table(table, buffer, row_group_size=3)
            return buffer.getvalue()
        case "npz":
            buffer = io.BytesIO()
            np.savez(buffer, *([row, 7] for row in rows))
            return buffer.getvalue()
        case _:
            return "\n".join(texts).encode()


@settings(
    max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(rounds=st.lists(st.lists(st.integers(0, 6), max_size=6), min_size=2, max_size=3))
def test_conversations_and_pairs_are_followed(tmp_path: Path, rounds: list[list[int]]) -> None:
    folder = tmp_path / "example"
    shutil.rmtree(folder, ignore_errors=True)
    coqa, pairs = folder / "coqa", folder / "pairs"
    for made in (coqa, pairs):
        made.mkdir(parents=True)
    for number, numbers in enumerate(rounds):
        made = [conversation(f"c{n}", 1 + n % 2, story=f"Story {n % 4}.") for n in numbers]
        (coqa / "coqa-train-v1.0.json").write_bytes(coqa_json(*made))
        (coqa / "coqa-dev-v1.0.json").write_bytes(coqa_json(conversation("c1"), conversation("d")))
        check(coqa, folder / "c", CorpusOptions(task="coqa", on_leak="drop"), number)
        for name, line in (("test.txt.src", "Article {}."), ("test.txt.tgt.tagged", "<t> {} </t>")):
            (pairs / name).write_text("".join(f"{line.format(n)}\n" for n in numbers))
        check(pairs, folder / "p", CNN, number)


def test_a_row_that_is_appended_or_put_before_others_reads_one_piece(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table_pieces, "PIECE_BYTES", 500)
    root = tmp_path / "corpus"
    root.mkdir()
    rows = [json.dumps({"text": f"Text {number}."}) for number in range(1000)]
    (root / "rows.jsonl").write_text("\n".join(rows) + "\n")
    options = CorpusOptions(task="text")
    assert check(root, tmp_path, options, 0) is None
    pieces = len(list_sources(root, options))
    assert pieces > 15
    for number, changed in enumerate(([*rows, "{}"], ["{}", *rows, "{}"], rows[:500] + rows[501:])):
        (root / "rows.jsonl").write_text("\n".join(changed) + "\n")
        options = replace(options, max_dropped_fraction=1)
        read = check(root, tmp_path, options, 1 + number)
        assert read is not None
        assert read <= 3  # where rows were removed or added, of which the last has three places
        assert len(list_sources(root, options)) - pieces in (-1, 0, 1)


def test_compressed_texts_are_known_again(tmp_path: Path) -> None:
    root = tmp_path / "corpus"
    root.mkdir()
    for split in ("train", "valid", "test"):
        (root / f"{split}.txt.gz").write_bytes(gzip.compress(f"The text of {split}.".encode()))
    options = CorpusOptions(task="text")
    assert check(root, tmp_path, options, 0) is None
    assert check(root, tmp_path, options, 1) == 0


def test_pieces_that_hold_the_same_keep_the_places_of_their_own_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table_pieces, "PIECE_BYTES", 20)
    root = tmp_path / "corpus"
    root.mkdir()
    (root / "rows.jsonl").write_bytes(rows_as("jsonl", [*range(-1, 12)] * 3))
    options = CorpusOptions(task="text", max_dropped_fraction=1)
    assert check(root, tmp_path, options, 0) is None
    assert check(root, tmp_path, options, 1) == 0
    (root / "rows.jsonl").write_bytes(rows_as("jsonl", [*range(-1, 12)] * 2))
    check(root, tmp_path, options, 2)


def test_a_story_that_is_not_read_can_be_excluded(tmp_path: Path) -> None:
    root = tmp_path / "corpus"
    write_release(root)
    (root / "cnn" / "stories" / "other.story").write_text(story("Not listed.", "One"))
    check(root, tmp_path, CNN, 0)
    check(root, tmp_path, replace(CNN, exclude=["cnn/stories/other.story"]), 1)
    check(root, tmp_path, CNN, 2)


def test_portions_of_which_no_file_seems_to_have_changed_are_known_without_a_look_at_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "corpus"
    write_release(root)
    update(root, tmp_path / "first", CNN, tmp_path / "store")
    looked_at: list[int] = []
    key_of_contents = PortionKeys._key_of_contents

    def noted(keys: PortionKeys, portion: Portion) -> str:
        looked_at.append(portion.number)
        return key_of_contents(keys, portion)

    monkeypatch.setattr(PortionKeys, "_key_of_contents", noted)
    file = story_file(root, 4)
    file.write_text(file.read_text() + "\n")
    assert update(root, tmp_path / "second", CNN, tmp_path / "store") == 1
    assert len(looked_at) == 1
    file.touch()
    assert update(root, tmp_path / "third", CNN, tmp_path / "store") == 0
    assert len(looked_at) == 2
    with monkeypatch.context() as patch:
        patch.setattr(file_state, "is_settled", lambda stat, now_ns: False)
        assert update(root, tmp_path / "fourth", CNN, tmp_path / "store") == 0
    assert len(looked_at) > 4


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
    for number in range(3):
        assert check(root, tmp_path, CNN, number) is None


def damages(folder: Path) -> Iterator[Path]:
    """Damages to what is remembered, one after the other; what was damaged."""
    memory = JobCache(folder / "store").corpus
    examples = sorted((folder / "out0" / "examples").rglob("*.tfrecord"))
    largest = max(examples, key=lambda path: path.stat().st_size)
    largest.write_bytes(largest.read_bytes()[:-1] + b"!")
    yield largest
    shutil.rmtree(folder / "out1")
    yield folder / "out1"
    reading = max(memory.glob("*.reading"), key=lambda path: path.stat().st_size)
    reading.write_bytes(reading.read_bytes().replace(b"s", b"z"))
    yield reading
    for content in (b"not sealed", b"\n{}", b""):
        (memory / "portions").write_bytes(content)
        yield memory / "portions"
    shutil.rmtree(memory)
    yield memory


def test_what_is_damaged_is_made_anew(tmp_path: Path) -> None:
    write_release(tmp_path / "corpus")
    check(tmp_path / "corpus", tmp_path, CNN, 0)
    for number, _ in enumerate(damages(tmp_path), start=1):
        check(tmp_path / "corpus", tmp_path, CNN, number)
    assert check(tmp_path / "corpus", tmp_path, CNN, 9) == 0


def test_what_has_a_fault_is_read_again(tmp_path: Path) -> None:
    root = tmp_path / "corpus"
    root.mkdir()
    file = root / "coqa-train-v1.0.json"
    file.write_bytes(coqa_json(conversation("a"), conversation("b")))
    options = CorpusOptions(task="coqa")
    check(root, tmp_path, options, 0)
    (root / "coqa-dev-v1.0.json").write_bytes(coqa_json(conversation("a")))
    assert check(root, tmp_path, options, 1) == 1
    (root / "coqa-dev-v1.0.json").write_bytes(b"{")
    for number in (2, 3):
        assert check(root, tmp_path, options, number) == 1
        assert (tmp_path / f"out{number}" / "report" / "faults.json").exists()


def test_what_a_job_that_was_cut_off_has_left_does_not_hide_a_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, options = tmp_path / "corpus", CorpusOptions(task="coqa")
    root.mkdir()
    (root / "coqa-train-v1.0.json").write_bytes(coqa_json(conversation("a"), conversation("b")))

    def killed(memory: CorpusMemory, *_: object) -> None:
        raise RuntimeError("killed")

    def unreadable(source: SourceFile, *_: object) -> Iterator[Fault]:
        yield Fault(f"{source.name}: cannot be read")

    with monkeypatch.context() as patch:
        patch.setattr(CorpusMemory, "keep", killed)
        with pytest.raises(RuntimeError, match="killed"):
            update(root, tmp_path / "killed", options, tmp_path / "store")
    with monkeypatch.context() as patch:
        patch.setattr(shards, "read_source", unreadable)
        update(root, tmp_path / "faulty", options, tmp_path / "store")
    assert (tmp_path / "faulty" / "report" / "faults.json").exists()
    check(root, tmp_path, options, 0)


def test_a_story_that_vanishes_when_it_has_been_read_is_not_remembered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, vanished = tmp_path / "corpus", tmp_path / "vanished.story"
    write_release(root, 4)
    file = next(root.rglob("*.story"))
    report = CorpusJob.report

    def take_away(self: CorpusJob, tallies: Iterator[Tally]) -> None:
        report(self, tallies)
        file.rename(vanished)

    with monkeypatch.context() as patch:
        patch.setattr(CorpusJob, "report", take_away)
        update(root, tmp_path / "first", CNN, tmp_path / "store")
    vanished.rename(file)
    assert update(root, tmp_path / "second", CNN, tmp_path / "store") == 1


def test_a_table_that_changes_after_it_was_cut_is_not_remembered_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table_pieces, "PIECE_BYTES", 500)
    root, options = tmp_path / "corpus", CorpusOptions(task="text")
    root.mkdir()
    table = root / "rows.jsonl"
    before = "".join(json.dumps({"text": f"Text {n}."}) + "\n" for n in range(200))
    table.write_text(before)
    portions_of_job = CorpusJob.portions

    def change(self: CorpusJob, looked_at: Sources) -> list[Portion]:
        found = portions_of_job(self, looked_at)
        table.write_text(before.replace("Text 1", "Next 1"))
        return found

    with monkeypatch.context() as patch:
        patch.setattr(CorpusJob, "portions", change)
        update(root, tmp_path / "changed", options, tmp_path / "store")
    table.write_text(before)
    check(root, tmp_path, options, 0)
