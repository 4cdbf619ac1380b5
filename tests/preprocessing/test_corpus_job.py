import json
import random
import subprocess
import sys
from pathlib import Path

import apache_beam as beam
import pytest
from corpora import conversation, coqa_json, story, write_release

from preprocessing import corpus_job, progress
from preprocessing.corpus_job import check_corpus, shard_count, shard_of, write_corpus
from preprocessing.corpus_report import Tally
from preprocessing.errors import InputError
from preprocessing.options import CorpusOptions
from preprocessing.reading import read_records
from preprocessing.records import SPLITS, Drop, Fault, Record, example_to_record
from preprocessing.sources import SourceFile, list_sources
from preprocessing.tfrecords import read_tfrecords

CNN = CorpusOptions(max_dropped_fraction=0.5)
COQA = CorpusOptions(task="coqa")


def run(
    root: Path, out: Path, options: CorpusOptions, sources: list[SourceFile] | None = None
) -> str:
    """Run the job; returns the folder of its reports."""
    sources = list_sources(root, options) if sources is None else sources
    with beam.Pipeline(runner="DirectRunner") as pipeline:
        folders = (str(out / name) for name in ("examples", "index", "report"))
        write_corpus(pipeline, str(root), sources, options, 0, *folders)
    return str(out / "report")


def files_in(folder: Path) -> dict[str, bytes]:
    return {
        file.relative_to(folder).as_posix(): file.read_bytes()
        for file in folder.rglob("*")
        if file.is_file()
    }


def records_in(out: Path) -> list[Record]:
    records = []
    for file in sorted((out / "examples").rglob("*.tfrecord")):
        with open(file, "rb") as opened:
            records += map(example_to_record, read_tfrecords(opened))
    return records


@pytest.fixture
def small_shards(monkeypatch):
    """Shards of a few stories each, so that little data makes several."""
    monkeypatch.setattr(corpus_job, "SHARD_BYTES", 200)


def test_the_files_hold_every_record_once_in_its_split_and_shard(tmp_path, small_shards):
    root, out = tmp_path / "corpus", tmp_path / "out"
    write_release(root, 20)
    report = run(root, out, CNN)
    expected, _ = read_records(root, CNN, 0)
    assert sorted(records_in(out), key=lambda record: record.id) == expected
    names = [f"Split-{split}/records-{n:05d}-of-00008" for split in SPLITS for n in range(8)]
    assert sorted(files_in(out / "examples")) == sorted(f"{name}.tfrecord" for name in names)
    assert sorted(files_in(out / "index")) == sorted(f"{name}.jsonl" for name in names)
    for name in names:
        with open(out / "examples" / f"{name}.tfrecord", "rb") as file:
            records = [example_to_record(data) for data in read_tfrecords(file)]
        lines = (out / "index" / f"{name}.jsonl").read_text().splitlines()
        shard = int(name[-14:-9])
        assert [json.loads(line) for line in lines] == [
            {
                "id": record.id,
                "source": record.source,
                "position": record.position,
                "digest": record.digest,
                "split": name.split("/")[0].removeprefix("Split-"),
                "shard": shard,
            }
            for record in records
        ]
        assert [record.id for record in records] == sorted(record.id for record in records)
        assert all(shard_of(record.id, 8) == shard for record in records)
    assert check_corpus(report, CNN)["splits"] == {"train": 18, "validation": 1, "test": 1}


def test_the_order_of_the_sources_does_not_change_a_byte(tmp_path, small_shards):
    root = tmp_path / "corpus"
    ids = write_release(root, 20)
    for record_id in ids[5:8]:
        (file,) = root.rglob(f"{record_id}.story")
        file.write_text("Without highlights.")
    sources = list_sources(root, CNN)
    run(root, tmp_path / "a", CNN, sources)
    random.Random(1).shuffle(sources)
    run(root, tmp_path / "b", CNN, sources)
    assert files_in(tmp_path / "a") == files_in(tmp_path / "b")


def test_drops_are_counted_by_reason_with_the_first_ids(tmp_path):
    root = tmp_path / "corpus"
    root.mkdir()
    for number in range(30):
        (root / f"bad{number:02d}.story").write_text("Without highlights.")
        (root / f"good{number:02d}.story").write_text(story("Article", "One"))
    (root / "empty.story").write_text("")
    report = run(root, tmp_path / "out", CNN)
    drops = json.loads(Path(report, "drops.json").read_text())
    assert (drops["records"], drops["dropped"]) == (30, 31)
    assert sum(drops["splits"].values()) == 30
    assert list(drops["reasons"]) == ["empty_article", "no_highlight"]
    reason = drops["reasons"]["no_highlight"]
    assert reason["count"] == 30
    assert [drop["id"] for drop in reason["first"]] == [f"bad{n:02d}" for n in range(20)]
    assert reason["first"][0] == {
        "id": "bad00",
        "source": "bad00.story",
        "detail": "no text after an @highlight line",
    }
    with pytest.raises(InputError) as error:
        check_corpus(report, CNN)
    assert error.value.messages == (
        "31 of 61 documents were dropped, more than corpus.max_dropped_fraction 0.5 allows; "
        "fix or remove the files, or raise corpus.max_dropped_fraction",
        "  empty_article: 1, first empty.story: empty (no text before the first @highlight)",
        "  no_highlight: 30, first bad00.story: bad00 (no text after an @highlight line); "
        "bad01.story: bad01 (no text after an @highlight line); "
        "bad02.story: bad02 (no text after an @highlight line)",
    )
    assert check_corpus(report, CorpusOptions(max_dropped_fraction=0.6)) == drops


def test_faults_are_reported_and_refuse_the_corpus(tmp_path):
    root = tmp_path / "corpus"
    root.mkdir()
    (root / "coqa-train-v1.0.json").write_bytes(coqa_json(conversation("a"), {"id": "b"}))
    (root / "coqa-dev-v1.0.json").write_bytes(b'{"data": [}')
    report = run(root, tmp_path / "out", COQA)
    with pytest.raises(InputError) as error:
        check_corpus(report, COQA)
    broken, incomplete = error.value.messages
    assert broken.startswith("coqa-dev-v1.0.json, line 1, column 11: not JSON")
    assert incomplete.startswith("coqa-train-v1.0.json: data[1].story is missing, found 'id'")
    assert json.loads(Path(report, "faults.json").read_text())["count"] == 2


def test_the_same_id_twice_refuses_the_corpus_even_across_splits(tmp_path):
    root = tmp_path / "corpus"
    root.mkdir()
    for name in ("coqa-train-v1.0.json", "coqa-dev-v1.0.json"):
        (root / name).write_bytes(coqa_json(conversation("same")))
    report = run(root, tmp_path / "out", COQA)
    with pytest.raises(
        InputError, match=r"record id 'same' occurs twice: in coqa-dev.* and coqa-tr"
    ):
        check_corpus(report, COQA)


def test_a_corpus_without_records_or_without_training_is_refused(tmp_path):
    text = CorpusOptions(task="text", max_dropped_fraction=1)
    (tmp_path / "blank").mkdir()
    (tmp_path / "blank" / "a.txt").write_text(" \n")
    with pytest.raises(InputError, match="no record in the corpus"):
        check_corpus(run(tmp_path / "blank", tmp_path / "out1", text), text)
    dev = tmp_path / "dev.json"
    dev.write_bytes(coqa_json(conversation()))
    with pytest.raises(InputError, match="no record to train on"):
        check_corpus(run(dev, tmp_path / "out2", COQA), COQA)


def test_reading_reports_progress_in_files(tmp_path):
    root = tmp_path / "corpus"
    write_release(root)
    reports: list[progress.Report] = []
    progress.set_sink(reports.append)
    try:
        run(root, tmp_path / "out", CNN)
    finally:
        progress.set_sink(None)
    assert reports[-1] == {"phase": "read", "done": 12, "total": 12, "unit": "files"}


def test_tallies_merge_to_the_same_report_in_any_order():
    events: list[str | Drop | Fault] = ["train", "test", "train"]
    events += [Drop(f"reason{n % 2}", f"file{n}", f"id{n:03d}", "why") for n in range(100)]
    events += [Fault(f"fault {n:02d}") for n in range(30)]
    whole = Tally()
    for event in events:
        whole.add(event)
    for seed in range(5):
        shuffled = random.Random(seed).sample(events, len(events))
        merged = Tally()
        for start in range(0, len(shuffled), 40):
            part = Tally()
            for event in shuffled[start : start + 40]:
                part.add(event)
            merged.merge(part)
        assert merged.drops_report() == whole.drops_report()
        assert merged.faults_report() == whole.faults_report()
    assert whole.faults_report() == {"count": 30, "first": [f"fault {n:02d}" for n in range(20)]}


def test_shards_are_a_power_of_two_by_the_size_of_the_corpus():
    mib = 2**20
    sizes = [0, 1, 16 * mib, 16 * mib + 1, 33 * mib, 1300 * mib]
    assert [shard_count(size) for size in sizes] == [1, 1, 1, 2, 4, 128]


def test_workers_need_not_import_tensorflow():
    code = "import sys, preprocessing.corpus_job; sys.exit('tensorflow' in sys.modules)"
    root = Path(corpus_job.__file__).parent.parent
    assert subprocess.run([sys.executable, "-c", code], cwd=root, check=False).returncode == 0


@pytest.mark.parametrize("task", ["cnn_dailymail", "coqa", "text"])
def test_the_genuine_samples_lose_nothing(genuine, tmp_path, task):
    options = CorpusOptions(task=task)
    report = check_corpus(run(genuine / task, tmp_path, options), options)
    assert report["dropped"] == 0
    assert report["records"] == {"cnn_dailymail": 10, "coqa": 1, "text": 3}[task]
    records, _ = read_records(genuine / task, options, 0)
    assert sorted(records_in(tmp_path), key=lambda record: record.id) == records
