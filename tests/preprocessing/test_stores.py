"""The data jobs where corpus and outputs are in a store of objects: the bytes of a job on this machine.

Random histories of corpora of all formats are compared in `test_corpus_update`.
"""

import builtins
import gzip
import io
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from corpora import write_release
from memory_store import MemoryStore, objects_in, put

from preprocessing.base.errors import InputError
from preprocessing.base.job_cache import JobCache
from preprocessing.base.places import remove_folder
from preprocessing.corpus import portions
from preprocessing.corpus.check import check_corpus
from preprocessing.corpus.job import CorpusFolders, write_corpus
from preprocessing.corpus.shards import PART_BYTES, ShardWriter
from preprocessing.corpus.steps import CorpusJob
from preprocessing.options import CorpusOptions, TokenOptions
from preprocessing.readers import table_pieces
from preprocessing.readers.listing import CorpusFiles
from preprocessing.records.exclusion import with_exclude_file
from preprocessing.tasks.registry import list_files, list_sources
from preprocessing.tokens.job import list_shards, write_token_rows

FOLDERS = ("examples", "index", "report")
CORPUS, OUT = "mem://bucket/exp [1]/corpus", "mem://bucket/exp [1]/out"
CNN = CorpusOptions(max_dropped_fraction=1, on_leak="drop")
TEXT = CorpusOptions(task="text", max_dropped_fraction=1, on_leak="drop")
RUNNERS = {
    "in this process": (),
    "as a pipeline": ("--direct_running_mode=multi_threading", "--direct_num_workers=2"),
}


@pytest.fixture(autouse=True)
def _empty_store(monkeypatch: pytest.MonkeyPatch) -> None:
    """A store with nothing in it; small portions and pieces, so that little data makes several."""
    MemoryStore.objects.clear()
    MemoryStore.written.clear()
    MemoryStore.opened.clear()
    monkeypatch.setattr(portions, "PORTION_BYTES", 200)
    monkeypatch.setattr(table_pieces, "PIECE_BYTES", 50)


@pytest.fixture
def only_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """No call of this machine's file system gets a place of the store."""

    def watched(call: Callable[..., Any]) -> Callable[..., Any]:
        def wrapper(path: Any = ".", *args: Any, **kwargs: Any) -> Any:
            assert "mem:" not in str(path), f"{call.__name__}({path!r})"
            return call(path, *args, **kwargs)

        return wrapper

    for module, name in (
        *((builtins, "open"), (io, "open"), (os, "open")),
        *((os, name) for name in ("scandir", "listdir", "walk", "stat", "mkdir", "replace")),
    ):
        monkeypatch.setattr(module, name, watched(getattr(module, name)))


def pipeline(flags: tuple[str, ...] = ()) -> beam.Pipeline:
    return beam.Pipeline(options=PipelineOptions(list(flags)))


def folders_in(out: str) -> CorpusFolders:
    return CorpusFolders(*(f"{out}/{name}" for name in FOLDERS))


def files_in(folder: Path) -> dict[str, bytes]:
    files = (file for file in folder.rglob("*") if file.is_file())
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in files}


def make(corpus: str, out: str, options: CorpusOptions, flags: tuple[str, ...]) -> None:
    """What both jobs write."""
    folders = folders_in(out)
    write_corpus(pipeline(flags), corpus, options, 1, folders)
    check_corpus(folders.report_dir, options)
    shards = list_shards(folders.examples_dir, f"{out}/rows")
    tokens = TokenOptions(sequence_length=64, over_long="truncate_prompt")
    write_token_rows(pipeline(flags), shards, tokens, f"{out}/statistics")


def stories(root: Path) -> None:
    """Stories with a leak, a pair of copies and a drop."""
    write_release(root, 20)
    files = sorted(root.rglob("*.story"))
    test = next(file for file in files if "Article 1." in file.read_text())
    for file in files[:2]:
        file.write_bytes(test.read_bytes())
    files[2].write_text("Without highlights.")
    (root / "cnn" / "stories" / "._a.story").write_bytes(b"\0")


def texts(root: Path) -> None:
    """Texts, compressed ones too, tables, and what is no text."""
    root.mkdir()
    for name in ("a.txt", "b/c.txt", ".git/x.txt", "b/._c.txt"):
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text("".join(f"Line {n} of {name}.\n" for n in range(50)))
    (root / "z.txt.gz").write_bytes(gzip.compress(b"Packed.\n" * 100, mtime=0))
    lines = "".join(f'{{"text": "Row {n % 17}."}}\n' for n in range(60))
    (root / "rows.jsonl").write_text(lines + "broken\n")
    (root / "broken.txt.gz").write_bytes(b"no gzip")


@pytest.mark.parametrize("runner", RUNNERS)
def test_both_jobs_write_into_a_store_what_they_write_here(
    tmp_path: Path, runner: str, only_elsewhere: None
) -> None:
    stories(tmp_path / "corpus")
    make(str(tmp_path / "corpus"), str(tmp_path / "out"), CNN, ())
    put(CORPUS, files_in(tmp_path / "corpus"))
    make(CORPUS, OUT, CNN, RUNNERS[runner])
    written = objects_in(OUT)
    assert written == files_in(tmp_path / "out")
    assert any(data == b"" for data in written.values())
    assert b"apple_double" in written["report/drops.json"]


@pytest.mark.parametrize("runner", RUNNERS)
def test_texts_and_tables_are_cut_in_a_store_as_here(
    tmp_path: Path, runner: str, only_elsewhere: None
) -> None:
    texts(tmp_path / "corpus")
    write_corpus(pipeline(), str(tmp_path / "corpus"), TEXT, 1, folders_in(str(tmp_path / "out")))
    put(CORPUS, files_in(tmp_path / "corpus"))
    write_corpus(pipeline(RUNNERS[runner]), CORPUS, TEXT, 1, folders_in(OUT))
    written = objects_in(OUT)
    assert written == files_in(tmp_path / "out")
    assert b"broken.txt.gz: cannot be decompressed" in written["report/faults.json"]
    assert len([name for name in written if name.startswith("index/Split-train")]) > 10


def test_the_launcher_asks_a_store_for_names_and_sizes_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts(tmp_path / "corpus")
    put(CORPUS, files_in(tmp_path / "corpus"))
    runs = []
    monkeypatch.setattr(beam.Pipeline, "run", lambda self: runs.append(self) or _Done())
    write_corpus(pipeline(RUNNERS["as a pipeline"]), CORPUS, TEXT, 1, folders_in(OUT))
    assert len(runs) == 1
    assert (MemoryStore.opened, MemoryStore.written) == ([], [])


class _Done:
    def wait_until_finish(self) -> None:
        """It was not run."""


def test_the_report_is_written_last_and_nothing_else_is_left(tmp_path: Path) -> None:
    stories(tmp_path / "corpus")
    put(CORPUS, files_in(tmp_path / "corpus"))
    write_corpus(pipeline(), CORPUS, CNN, 1, folders_in(OUT))
    assert MemoryStore.written[-1] == f"{OUT}/report/drops.json"
    assert not [name for name in objects_in(OUT) if "/." in name]


def test_with_a_place_elsewhere_nothing_is_remembered(tmp_path: Path) -> None:
    stories(tmp_path / "corpus")
    cache = JobCache(tmp_path / "cache")
    for _ in range(2):
        seen = write_corpus(pipeline(), str(tmp_path / "corpus"), CNN, 1, folders_in(OUT), cache)
        assert seen.read is None
    assert not (tmp_path / "cache").exists()


def test_a_stage_that_is_done_again_writes_the_same(tmp_path: Path) -> None:
    stories(tmp_path / "corpus")
    put(CORPUS, files_in(tmp_path / "corpus"))
    writer = ShardWriter(CORPUS, CNN, 1, *folders_in(OUT), PART_BYTES)
    job = CorpusJob(writer, f"{OUT}/index/.readings", portions.PORTION_BYTES)
    read = [job.read(job.task(portion)) for portion in job.portions(list_sources(CORPUS, CNN))]
    settlement = job.settle([each.hashed for each in read])
    assert settlement.amendments
    tallies, objects = [], []
    for _ in range(2):
        amendments = settlement.amendments
        tallies.append(
            [job.finish((each, amendments.get(each.portion.number, {}))) for each in read]
        )
        objects.append(dict(MemoryStore.objects))
    assert tallies[0] == tallies[1]
    assert objects[0] == objects[1]


def test_a_single_object_is_a_corpus_and_so_is_a_bucket(tmp_path: Path) -> None:
    put("mem://bucket", {"a.txt": b"One line.\n" * 50})
    single = list_sources("mem://bucket/a.txt", TEXT)
    assert {source.name for source in single} == {"a.txt"}
    for place in ("mem://bucket", "mem://bucket/"):
        assert [*list_sources(place, TEXT)] == [*single]


@pytest.mark.parametrize("place", ["mem://bucket/none", "mem://none", "mem://bucket/a"])
def test_a_missing_corpus_is_named_with_its_scheme(place: str) -> None:
    put("mem://bucket", {"a.txt": b"One line.\n" * 50})
    with pytest.raises(InputError, match=f"^{place}: no such file or folder"):
        list_sources(place, TEXT)


def test_a_store_that_gives_no_answer_is_named_with_its_reason(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_: object) -> None:
        raise OSError("no credentials")

    monkeypatch.setattr(MemoryStore, "_list", fail)
    with pytest.raises(InputError, match=r"^mem://bucket/a: cannot be listed: .*no credentials"):
        list_sources("mem://bucket/a", TEXT)


def test_one_that_answers_no_more_is_named_too(monkeypatch: pytest.MonkeyPatch) -> None:
    put(CORPUS, {"a.txt": b"A\n" * 50})
    files = CorpusFiles(CORPUS)

    def fail(*_: object) -> None:
        raise OSError("no credentials")

    monkeypatch.setattr(MemoryStore, "_list", fail)
    with pytest.raises(
        InputError, match=rf"^{re.escape(CORPUS)}: cannot be listed: .*no credentials"
    ):
        list_files(files, TEXT)


def test_an_exclude_file_in_a_store_is_read(tmp_path: Path) -> None:
    put(CORPUS, {"a.txt": b"A\n" * 50, "b.txt": b"B\n" * 50, "out": b"b.txt\n"})
    options = with_exclude_file(CORPUS, CorpusOptions(task="text", exclude_file="out"))
    assert options.excluded == {"b.txt"}
    for name, message in (("../out", "outside"), ("/out", "outside"), ("none", "cannot be read")):
        with pytest.raises(InputError, match=message):
            with_exclude_file(CORPUS, CorpusOptions(task="text", exclude_file=name))


def test_only_what_is_beneath_a_folder_is_removed() -> None:
    put("mem://bucket", {"a/b": b"", "a/c/d": b"", "ab": b"", "[a]/b": b""})
    remove_folder("mem://bucket/[a]")
    remove_folder("mem://bucket/a")
    remove_folder("mem://bucket/none")
    assert objects_in("mem://bucket") == {"ab": b""}
