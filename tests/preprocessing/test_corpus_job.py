import json
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from corpora import conversation, coqa_json, story, write_release

from preprocessing.base import progress, workers
from preprocessing.base.errors import InputError
from preprocessing.base.file_watch import ContentChangedError
from preprocessing.corpus import job as corpus_job
from preprocessing.corpus import portions, shards, steps
from preprocessing.corpus.check import check_corpus
from preprocessing.corpus.job import CorpusFolders, write_corpus
from preprocessing.corpus.portions import portions_of
from preprocessing.corpus.report import Event, Tally, counted, describe_copies
from preprocessing.corpus.whole import read_records
from preprocessing.options import CorpusOptions
from preprocessing.records.copies import Copies, document_digest
from preprocessing.records.record import SPLITS, Drop, Fault, Place, Record, example_to_record
from preprocessing.records.tfrecords import read_tfrecords
from preprocessing.tasks.registry import list_sources

CNN = CorpusOptions(max_dropped_fraction=0.5)
COQA = CorpusOptions(task="coqa")


def run(
    root: Path,
    out: Path,
    options: CorpusOptions,
    arguments: Sequence[str] = (),
) -> str:
    """Run the job, with arguments for Beam; returns the folder of its reports."""
    pipeline = beam.Pipeline(options=PipelineOptions(["--runner=DirectRunner", *arguments]))
    folders = CorpusFolders(*(str(out / name) for name in ("examples", "index", "report")))
    write_corpus(pipeline, str(root), options, 0, folders)
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
    """Portions of a few stories each, so that little data makes several."""
    monkeypatch.setattr(portions, "PORTION_BYTES", 200)


def test_the_files_hold_every_record_once_in_its_split_and_shard(tmp_path, small_shards):
    root, out = tmp_path / "corpus", tmp_path / "out"
    write_release(root, 20)
    report = run(root, out, CNN)
    expected, _ = read_records(root, CNN, 0)
    assert sorted(records_in(out), key=lambda record: record.id) == expected
    numbers = [portion.number for portion in portions_of(list_sources(root, CNN))]
    assert len(numbers) > 3
    names = [f"Split-{split}/records-{n:05d}-000" for split in SPLITS for n in numbers]
    assert sorted(files_in(out / "examples")) == sorted(f"{name}.tfrecord" for name in names)
    assert sorted(files_in(out / "index")) == sorted(f"{name}.jsonl" for name in names)
    for name in names:
        with open(out / "examples" / f"{name}.tfrecord", "rb") as file:
            records = [example_to_record(data) for data in read_tfrecords(file)]
        lines = (out / "index" / f"{name}.jsonl").read_text().splitlines()
        shard = name[-9:]
        assert [json.loads(line) for line in lines] == [
            {
                "id": record.id,
                "source": record.source,
                "position": record.position,
                "digest": record.digest,
                "split": name.split("/")[0].removeprefix("Split-"),
                "shard": shard,
                "document": document_digest(record).hex(),
            }
            for record in records
        ]
        assert [record.source for record in records] == sorted(r.source for r in records)
    assert check_corpus(report, CNN)["splits"] == {"train": 18, "validation": 1, "test": 1}


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
    (root / "coqa-train-v1.0.json").write_bytes(b'{"datum": []}')
    (root / "coqa-dev-v1.0.json").write_bytes(b'{"data": [}')
    report = run(root, tmp_path / "out", COQA)
    with pytest.raises(InputError) as error:
        check_corpus(report, COQA)
    broken, incomplete = error.value.messages
    assert broken.startswith("coqa-dev-v1.0.json, line 1, column 11: not JSON")
    assert incomplete.startswith("coqa-train-v1.0.json: data is missing, found 'datum'")
    assert json.loads(Path(report, "faults.json").read_text())["count"] == 2


def test_the_same_id_twice_refuses_the_corpus_even_across_splits(tmp_path):
    root = tmp_path / "corpus"
    root.mkdir()
    for name in ("coqa-train-v1.0.json", "coqa-dev-v1.0.json"):
        (root / name).write_bytes(coqa_json(conversation("same")))
    report = run(root, tmp_path / "out", COQA)
    with pytest.raises(InputError, match="1 of 2 documents were dropped") as error:
        check_corpus(report, COQA)
    assert error.value.messages[1] == (
        "  duplicate_id: 1, first coqa-train-v1.0.json: same "
        "(also the id of position 0 of coqa-dev-v1.0.json)"
    )


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


def write_copies(root: Path) -> dict[str, str]:
    """A release of 12 stories; some with the articles of others. Ids by the story's number."""
    ids = write_release(root)
    # 1 is a test story and 2 a validation story, all others are for training.
    for number, copied in ((3, 1), (4, 1), (5, 2), (7, 6)):
        (file,) = root.rglob(f"{ids[number]}.story")
        file.write_text(story(f"Article  {copied}.\n", f"Another point {number}"))
    return {f"s{number}": story_id for number, story_id in enumerate(ids)}


def document(root: Path, story_id: str, split: str) -> dict[str, str]:
    (file,) = root.rglob(f"{story_id}.story")
    return {"id": story_id, "source": file.relative_to(root).as_posix(), "split": split}


def test_copies_are_reported_and_kept_where_they_need_not_go(tmp_path, small_shards):
    root = tmp_path / "corpus"
    ids = write_copies(root)
    report = check_corpus(run(root, tmp_path / "out", CNN), CNN)
    assert (report["records"], report["dropped"]) == (12, 0)
    twice = [document(root, story_id, "train") for story_id in sorted((ids["s6"], ids["s7"]))]
    assert report["duplicates"] == {"count": 1, "first": [{"count": 2, "first": twice}]}
    in_training = sorted((ids["s3"], ids["s4"]))
    of_test = [document(root, ids["s1"], "test")]
    of_test += [document(root, story_id, "train") for story_id in in_training]
    of_validation = [
        document(root, ids["s2"], "validation"),
        document(root, ids["s5"], "train"),
    ]
    leaks = [{"count": 3, "first": of_test}, {"count": 2, "first": of_validation}]
    leaks.sort(key=lambda group: group["first"][0]["id"])
    assert report["leaks"] == {"count": 2, "first": leaks}
    assert report["exposed"] == {"validation": 1, "test": 1}
    assert describe_copies(report) == (
        "2 documents are in more than one split; 1 document occurs more than once within a split"
    )


def test_dropped_leaks_leave_the_evaluation_whole(tmp_path, small_shards):
    root = tmp_path / "corpus"
    ids = write_copies(root)
    options = CorpusOptions(on_leak="drop", max_dropped_fraction=0)
    out = tmp_path / "out"
    report = check_corpus(run(root, out, options), options)
    assert report["splits"] == {"train": 7, "validation": 1, "test": 1}
    assert (report["records"], report["dropped"]) == (9, 3)
    assert list(report["reasons"]) == ["leak"]
    leaked = {drop["id"]: drop["detail"] for drop in report["reasons"]["leak"]["first"]}
    assert set(leaked) == {ids["s3"], ids["s4"], ids["s5"]}
    kept = document(root, ids["s1"], "test")
    assert leaked[ids["s3"]] == f"the same document as {kept['id']} in {kept['source']}, split test"
    assert (report["leaks"]["count"], report["duplicates"]["count"]) == (2, 1)
    assert report["exposed"] == {"validation": 0, "test": 0}
    written = {record.id for record in records_in(out)}
    assert written == set(ids.values()) - set(leaked)
    index = (out / "index").rglob("*.jsonl")
    lines = [line for file in index for line in file.read_text().splitlines()]
    assert {json.loads(line)["id"] for line in lines} == written


def test_a_leak_is_left_out_of_validation_for_test(tmp_path):
    root = tmp_path / "corpus"
    ids = write_release(root)
    (file,) = root.rglob(f"{ids[2]}.story")
    file.write_text(story("Article 1.", "Another point"))
    options = CorpusOptions(on_leak="drop")
    report = check_corpus(run(root, tmp_path / "out", options), options)
    assert report["splits"] == {"train": 10, "validation": 0, "test": 1}


def test_processes_of_their_own_write_the_same_bytes(tmp_path, small_shards, monkeypatch):
    root = tmp_path / "corpus"
    write_copies(root)
    options = CorpusOptions(on_leak="drop")
    run(root, tmp_path / "here", options)
    arguments = ["--direct_running_mode=multi_processing", "--direct_num_workers=2"]
    monkeypatch.setattr(workers, "SMALL_BYTES", 0)
    run(root, tmp_path / "there", options, arguments=arguments)
    assert files_in(tmp_path / "here") == files_in(tmp_path / "there")


def test_a_run_may_fail_for_leaks(tmp_path):
    root = tmp_path / "corpus"
    ids = write_copies(root)
    options = CorpusOptions(on_leak="fail")
    report = run(root, tmp_path / "leaks", options)
    with pytest.raises(InputError) as error:
        check_corpus(report, options)
    message, *pairs = error.value.messages
    assert message.startswith("2 documents are in more than one split, so the scores would be of")
    assert "remove the copies from all splits but one, or set corpus.on_leak to drop" in message
    held_out, copied = document(root, ids["s2"], "validation"), document(root, ids["s5"], "train")
    assert (
        f"  {held_out['id']} ({held_out['source']}, split validation) is also "
        f"{copied['id']} ({copied['source']}, split train)"
    ) in pairs
    assert len(pairs) == 2


def test_many_leaks_are_counted_behind_the_first(tmp_path):
    (tmp_path / "coqa-train-v1.0.json").write_bytes(
        coqa_json(*(conversation(f"t{n}", story=f"Story {n}.") for n in range(8)))
    )
    (tmp_path / "coqa-dev-v1.0.json").write_bytes(
        coqa_json(*(conversation(f"d{n}", 3, story=f"Story {n}.") for n in range(8)))
    )
    options = CorpusOptions(task="coqa", on_leak="fail")
    report = run(tmp_path, tmp_path / "out", options)
    with pytest.raises(InputError) as error:
        check_corpus(report, options)
    assert len(error.value.messages) == 7
    assert error.value.messages[1] == (
        "  d0 (coqa-dev-v1.0.json, split test) is also t0 (coqa-train-v1.0.json, split train)"
    )
    assert (
        error.value.messages[-1] == "  and 3 more; the report of a run with on_leak warn shows them"
    )


def test_leaks_that_leave_nothing_to_train_on_say_so(tmp_path):
    for name, record_id in (("train", "a"), ("dev", "b")):
        (tmp_path / f"coqa-{name}-v1.0.json").write_bytes(coqa_json(conversation(record_id)))
    options = CorpusOptions(task="coqa", on_leak="drop")
    report = run(tmp_path, tmp_path / "out", options)
    with pytest.raises(
        InputError, match=r"no record to train on.*1 record was dropped as copies.*on_leak to warn"
    ):
        check_corpus(report, options)


def test_a_text_is_compared_as_a_whole_and_duplicates_are_never_fatal(tmp_path):
    root = tmp_path / "corpus"
    root.mkdir()
    for name, text in (("a", "One text."), ("b", "One text. "), ("c", "One text, longer.")):
        (root / f"{name}.txt").write_text(text)
    options = CorpusOptions(task="text", validation_fraction=0, test_fraction=0, on_leak="fail")
    report = check_corpus(run(root, tmp_path / "out", options), options)
    (group,) = report["duplicates"]["first"]
    assert [document["id"] for document in group["first"]] == ["a.txt", "b.txt"]
    assert report["leaks"] == {"count": 0, "first": []}


def test_numbers_are_said_with_the_right_word():
    assert [counted(n, "document") for n in range(3)] == [
        "0 documents",
        "1 document",
        "2 documents",
    ]
    assert counted(1, "story is", "stories are") == "1 story is"
    assert counted(2, "story is", "stories are") == "2 stories are"


@pytest.mark.parametrize("task", ["cnn_dailymail", "coqa", "text"])
def test_the_corpora_that_ship_have_no_copies(tmp_path, task):
    options = CorpusOptions(task=task)
    data = Path(corpus_job.__file__).parents[2] / "data" / task
    report = check_corpus(run(data, tmp_path, options), options)
    assert describe_copies(report) == ""
    assert report["leaks"] == report["duplicates"] == {"count": 0, "first": []}


def test_a_portion_of_many_records_becomes_several_shards_in_order(tmp_path, monkeypatch):
    root = tmp_path / "corpus"
    root.mkdir()
    lines = [json.dumps({"text": f"Story {n} of many."}) for n in range(50)]
    (root / "train.jsonl").write_text("\n".join(lines))
    options = CorpusOptions(task="text")
    monkeypatch.setattr(shards, "PART_BYTES", 1000)
    run(root, tmp_path / "out", options)
    files = sorted((tmp_path / "out" / "examples" / "Split-train").iterdir())
    assert len(files) > 3
    assert [record.position for record in records_in(tmp_path / "out")] == [*range(1, 51)]


def test_a_job_that_fails_leaves_nothing_hidden(tmp_path, monkeypatch):
    def fail(*_: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(steps, "write_report", fail)
    write_release(tmp_path / "corpus")
    with pytest.raises(Exception, match="no space left"):
        run(tmp_path / "corpus", tmp_path / "out", CNN)
    written = [file.name for file in (tmp_path / "out").rglob("*")]
    assert any(name.endswith(".tfrecord") for name in written)
    assert not any(name.startswith(".") for name in written)


def test_a_story_that_changes_before_it_is_read_again_is_never_half_of_each(
    tmp_path, small_shards, monkeypatch
):
    root = tmp_path / "corpus"
    ids = write_copies(root)
    settle = steps.CorpusJob.settle

    def change(job, hashed):
        (file,) = root.rglob(f"{ids['s3']}.story")
        file.write_text(file.read_text().replace("point", "thing"))
        return settle(job, hashed)

    monkeypatch.setattr(steps.CorpusJob, "settle", change)
    with pytest.raises(ContentChangedError, match="changed while the corpus was read"):
        run(root, tmp_path / "out", CorpusOptions(on_leak="drop"))


def test_nothing_is_written_that_is_not_of_the_corpus(tmp_path, small_shards):
    root, out = tmp_path / "corpus", tmp_path / "out"
    write_copies(root)
    run(root, out, CorpusOptions(on_leak="drop"))
    assert not [file for file in out.rglob("*") if file.name.startswith(".")]
    assert not [name for name, data in files_in(out).items() if b".readings" in data]


@pytest.mark.parametrize("processes", [1, 2])
def test_reading_reports_progress_in_sources(tmp_path, processes, small_shards, monkeypatch):
    monkeypatch.setattr(workers, "SMALL_BYTES", 0)
    flags = ["--direct_running_mode=multi_processing", f"--direct_num_workers={processes}"]
    root = tmp_path / "corpus"
    write_release(root)
    folders = CorpusFolders(*(str(tmp_path / name) for name in ("examples", "index", "report")))
    reports: list[progress.Report] = []
    with progress.reported_to(reports.append):
        pipeline = beam.Pipeline(options=PipelineOptions(flags))
        write_corpus(pipeline, str(root), CNN, 0, folders)
    assert [report["done"] for report in reports] == sorted(report["done"] for report in reports)
    assert reports[-1] == {"phase": "read", "done": 12, "total": 12, "unit": "sources"}


def test_tallies_merge_to_the_same_report_in_any_order():
    events: list[Event] = [Counter(train=2), Counter(test=1), Counter(train=1), Counter()]
    events += [Drop(f"reason{n % 2}", f"file{n}", f"id{n:03d}", "why") for n in range(100)]
    events += [Fault(f"fault {n:02d}") for n in range(30)]
    events += [copies_of(f"text{n:02d}", "train", "train") for n in range(25)]
    events += [copies_of(f"text{n:02d}", "test", "train") for n in range(30)]
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
    report = whole.drops_report()
    assert (report["duplicates"]["count"], report["leaks"]["count"]) == (25, 30)
    for kind in ("duplicates", "leaks"):
        firsts = [group["first"][0]["id"] for group in report[kind]["first"]]
        assert firsts == [f"text{n:02d}-0" for n in range(20)]


def copies_of(name: str, *splits: str) -> Copies:
    return Copies(
        tuple(Place(f"{name}-{n}", f"{name}-{n}.txt", 0, split) for n, split in enumerate(splits))
    )


def test_of_many_copies_the_first_of_each_split_are_named_and_all_counted():
    tally = Tally()
    tally.add(copies_of("t", *["test"] * 7, *["train"] * 9))
    (group,) = tally.drops_report()["leaks"]["first"]
    assert group["count"] == 16
    assert [document["split"] for document in group["first"]] == ["test"] * 5 + ["train"] * 5
    assert group["first"][0] == {"id": "t-0", "source": "t-0.txt", "split": "test"}


def test_workers_need_not_import_tensorflow():
    code = "import sys, preprocessing.corpus.job; sys.exit('tensorflow' in sys.modules)"
    root = Path(corpus_job.__file__).parents[2]
    assert subprocess.run([sys.executable, "-c", code], cwd=root, check=False).returncode == 0


@pytest.mark.parametrize("task", ["cnn_dailymail", "coqa", "text"])
def test_the_genuine_samples_lose_nothing(genuine, tmp_path, task):
    options = CorpusOptions(task=task)
    report = check_corpus(run(genuine / task, tmp_path, options), options)
    assert report["dropped"] == 0
    assert describe_copies(report) == ""
    assert report["records"] == {"cnn_dailymail": 10, "coqa": 1, "text": 3}[task]
    records, _ = read_records(genuine / task, options, 0)
    assert sorted(records_in(tmp_path), key=lambda record: record.id) == records
