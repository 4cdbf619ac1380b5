"""The Tokenizer's Beam job: shards of records to shards of rows, with an account of everything."""

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from unpacking import unpack

from preprocessing.base import progress, workers
from preprocessing.base.job_cache import JobCache
from preprocessing.base.staging import CACHE_TAG, make_whole
from preprocessing.options import OverLong, TokenOptions
from preprocessing.records.record import Record, Segment, record_to_example
from preprocessing.records.tfrecords import tfrecords_of
from preprocessing.tokens import job as tokenize_job
from preprocessing.tokens.job import (
    ShardTask,
    list_shards,
    tokenize_shard,
    write_token_rows,
)
from preprocessing.tokens.rows import read_rows
from preprocessing.tokens.statistics import DROPPED_FILE
from preprocessing.tokens.vocabulary import load_vocabulary

OPTIONS = TokenOptions(sequence_length=16, vocabulary="bytes", over_long="truncate_prompt")


def record(record_id: str, article: str, summary: str) -> Record:
    segments = (Segment(article, False), Segment("|", False), Segment(summary, True, (summary,)))
    return Record(record_id, f"{record_id}.story", 0, "", "train", segments)


TRAIN = [
    [record("one", "abc", "de"), record("two", "fgh", "ij"), record("long", "k" * 40, "lm")],
    [record("three", "no", "pq"), record("huge", "r", "s" * 40)],
]


@pytest.fixture
def examples(tmp_path: Path) -> Path:
    """Two shards for training, one for validation that is empty."""
    write_shards(tmp_path / "examples" / "Split-train", TRAIN)
    write_shards(tmp_path / "examples" / "Split-validation", [[]])
    return tmp_path / "examples"


def write_shards(folder: Path, shards: Sequence[Sequence[Record]]) -> None:
    folder.mkdir(parents=True)
    for number, records in enumerate(shards):
        path = folder / f"records-{number:05d}-of-{len(shards):05d}.tfrecord"
        with path.open("wb") as file:
            file.write(tfrecords_of(map(record_to_example, records)))


def run(
    shards: Sequence[ShardTask],
    statistics: Path,
    options: TokenOptions = OPTIONS,
    over_long: OverLong = "truncate_prompt",
    *flags: str,
) -> dict[str, Any]:
    """Run the job and give its statistics."""
    pipeline = beam.Pipeline(options=PipelineOptions(list(flags)))
    write_token_rows(pipeline, shards, replace(options, over_long=over_long), str(statistics))
    report: dict[str, Any] = json.loads((statistics / "token_statistics.json").read_text())
    return report


def files(folder: Path) -> dict[str, bytes]:
    paths = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def texts(folder: Path) -> set[str]:
    vocabulary = load_vocabulary("bytes")
    rows = read_rows(sorted(folder.glob("rows-*.tfrecord")))
    return {vocabulary.decode(sequence.ids.tolist()) for sequence in unpack(rows)}


def test_shards_are_listed_in_order_with_the_place_of_their_rows(examples: Path) -> None:
    shards = list_shards(str(examples), "out")
    assert [shard.split for shard in shards] == ["train", "train", "validation"]
    assert [shard.rows for shard in shards] == [
        "out/Split-train/rows-00000-of-00002.tfrecord",
        "out/Split-train/rows-00001-of-00002.tfrecord",
        "out/Split-validation/rows-00000-of-00001.tfrecord",
    ]
    assert shards[1].records == f"{examples}/Split-train/records-00001-of-00002.tfrecord"


def test_every_shard_becomes_a_file_of_rows_even_an_empty_one(
    examples: Path, tmp_path: Path
) -> None:
    run(list_shards(str(examples), str(tmp_path / "rows")), tmp_path)
    written = files(tmp_path / "rows")
    assert sorted(written) == [
        "Split-train/rows-00000-of-00002.tfrecord",
        "Split-train/rows-00001-of-00002.tfrecord",
        "Split-validation/rows-00000-of-00001.tfrecord",
    ]
    assert written["Split-validation/rows-00000-of-00001.tfrecord"] == b""
    assert texts(tmp_path / "rows" / "Split-train") == {
        "abc|de<|endoftext|>",
        "fgh|ij<|endoftext|>",
        "no|pq<|endoftext|>",
        "k" * 12 + "|lm<|endoftext|>",
    }


def test_the_statistics_account_for_every_record(examples: Path, tmp_path: Path) -> None:
    report = run(list_shards(str(examples), str(tmp_path / "rows")), tmp_path)
    assert report["sequence_length"] == 16
    assert report["over_long"] == "truncate_prompt"
    assert report["vocabulary"]["size"] == 257
    assert report["splits"]["train"] == {
        "records": 5,
        "dropped": 1,
        "reasons": {
            "target_too_long": {
                "count": 1,
                "first": [
                    {
                        "id": "huge",
                        "source": "huge.story",
                        "detail": "the last target with its prompt alone has more than 16 tokens",
                    }
                ],
            }
        },
        "separators": 0,
        "truncated": 1,
        "bytes_left_out": 28,
        "bytes": 6 + 6 + 5 + 43,
        "first_truncated": [{"id": "long", "source": "long.story", "bytes": 43, "left_out": 28}],
        "sequences": 4,
        "tokens": 7 + 7 + 16 + 6,
        "loss_tokens": 4 * 3,
        "rows": 3,
        "characters": {"counts": {"9": 1, "10": 2, "21": 1}, "total": 60, "longest": 43},
        "record_tokens": {"counts": {"10": 1, "11": 2, "16": 1}, "total": 36, "longest": 16},
        "fill": 36 / 48,
    }
    assert report["splits"]["validation"]["records"] == 0
    assert report["splits"]["validation"]["fill"] is None
    lines = (tmp_path / DROPPED_FILE).read_text(encoding="utf-8").splitlines()
    assert list(map(json.loads, lines)) == [{"split": "train", "id": "huge"}]


def test_the_first_drops_of_a_reason_are_named_and_all_counted(tmp_path: Path) -> None:
    shards = [[record(f"{shard}-{i:02d}", "a", "b" * 40) for i in range(15)] for shard in range(2)]
    write_shards(tmp_path / "examples" / "Split-train", shards)
    tasks = list_shards(str(tmp_path / "examples"), str(tmp_path / "rows"))
    report = run(tasks, tmp_path, OPTIONS, "drop")
    too_long = report["splits"]["train"]["reasons"]["too_long"]
    assert too_long["count"] == 30
    named = [drop["id"] for drop in too_long["first"]]
    assert named == [f"0-{i:02d}" for i in range(15)] + [f"1-{i:02d}" for i in range(5)]


def test_the_bytes_written_do_not_depend_on_order_or_threads(
    examples: Path, tmp_path: Path
) -> None:
    shards = list_shards(str(examples), str(tmp_path / "a"))
    run(shards, tmp_path / "a")
    backwards = list_shards(str(examples), str(tmp_path / "b"))[::-1]
    flags = ("--direct_num_workers=3", "--direct_running_mode=multi_threading")
    run(backwards, tmp_path / "b", OPTIONS, "truncate_prompt", *flags)
    assert files(tmp_path / "a") == files(tmp_path / "b")
    assert len(files(tmp_path / "a")) == 5


def test_without_packing_each_record_has_a_row(examples: Path, tmp_path: Path) -> None:
    options = TokenOptions(sequence_length=16, packing=False, vocabulary="bytes")
    report = run(list_shards(str(examples), str(tmp_path / "rows")), tmp_path, options)
    assert report["splits"]["train"]["rows"] == report["splits"]["train"]["sequences"] == 4


def test_damaged_records_are_named_and_leave_no_rows(examples: Path, tmp_path: Path) -> None:
    damaged = examples / "Split-train" / "records-00000-of-00002.tfrecord"
    damaged.write_bytes(damaged.read_bytes()[:-1])
    with pytest.raises(Exception, match=r"records-00000-of-00002\.tfrecord: TFRecord at byte"):
        run(list_shards(str(examples), str(tmp_path / "rows")), tmp_path)
    assert "Split-train/rows-00000-of-00002.tfrecord" not in files(tmp_path / "rows")


def test_a_file_that_fails_half_way_leaves_nothing(tmp_path: Path) -> None:
    def fail(unfinished: Path) -> None:
        unfinished.write_bytes(b"half")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        make_whole(tmp_path / "rows.tfrecord", fail)
    assert list(tmp_path.iterdir()) == []


def test_progress_counts_the_shards_of_all_splits(examples: Path, tmp_path: Path) -> None:
    reports: list[progress.Report] = []
    progress.set_sink(reports.append)
    try:
        run(list_shards(str(examples), str(tmp_path / "rows")), tmp_path)
    finally:
        progress.set_sink(None)
    assert reports == [
        {"phase": "tokenise", "done": done, "total": 3, "unit": "shards"} for done in (1, 2, 3)
    ]


class TestWithAStore:
    """Shards that an earlier job has tokenised are copied; what is written is the same."""

    @pytest.fixture(autouse=True)
    def _count(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = tmp_path
        self.tokenised: list[str] = []

        def tokenize(task: ShardTask, *args: Any) -> Any:
            self.tokenised.append(Path(task.rows).relative_to(tmp_path).as_posix())
            return tokenize_shard(task, *args)

        monkeypatch.setattr(tokenize_job, "tokenize_shard", tokenize)

    def run(self, name: str, over_long: OverLong = "truncate_prompt", store: bool = True) -> int:
        """Run the job into the folder `name`; how many shards were reused."""
        self.tokenised.clear()
        out = self.folder / name
        shards = list_shards(str(self.folder / "examples"), str(out))
        memory = JobCache(self.folder) if store else None
        return write_token_rows(
            beam.Pipeline(), shards, replace(OPTIONS, over_long=over_long), str(out), memory
        )

    def test_nothing_is_tokenised_twice(self, examples: Path) -> None:
        assert self.run("a") == 0
        assert len(self.tokenised) == 3
        reports: list[progress.Report] = []
        with progress.reported_to(reports.append):
            assert self.run("b") == 3
        assert [report["done"] for report in reports] == [1, 2, 3]
        assert self.tokenised == []
        assert files(self.folder / "a") == files(self.folder / "b")

    def test_one_changed_record_tokenises_its_shard_alone(self, examples: Path) -> None:
        self.run("before")
        changed = [TRAIN[0], [TRAIN[1][0], record("huge", "r", "short")]]
        path = examples / "Split-train" / "records-00001-of-00002.tfrecord"
        with path.open("wb") as file:
            file.write(tfrecords_of(map(record_to_example, changed[1])))
        assert self.run("after") == 2
        assert self.tokenised == ["after/Split-train/rows-00001-of-00002.tfrecord"]
        assert self.run("fresh", store=False) == 0
        assert len(self.tokenised) == 3
        assert files(self.folder / "after") == files(self.folder / "fresh")
        assert files(self.folder / "after") != files(self.folder / "before")

    def test_other_options_tokenise_everything(self, examples: Path) -> None:
        self.run("a")
        assert self.run("b", "drop") == 0
        assert len(self.tokenised) == 3
        assert self.run("c") == 3

    def test_a_damaged_shard_is_made_anew(self, examples: Path) -> None:
        self.run("a")
        (damaged,) = (
            rows
            for rows in (self.folder / "shards").glob("*/rows.tfrecord")
            if rows.read_bytes() == files(self.folder / "a/Split-train")[rows_file(0)]
        )
        assert (self.folder / "shards" / CACHE_TAG).is_file()
        damaged.write_bytes(b"")
        assert self.run("b") == 2
        assert self.tokenised == [f"b/Split-train/{rows_file(0)}"]
        assert self.run("c") == 3
        assert files(self.folder / "a") == files(self.folder / "b") == files(self.folder / "c")

    def test_forked_processes_write_the_same(
        self, examples: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(workers, "SMALL_BYTES", 0)
        monkeypatch.setattr(tokenize_job, "tokenize_shard", tokenize_shard)
        flags = ["--direct_running_mode=multi_processing", "--direct_num_workers=2"]
        pipeline = beam.Pipeline(options=PipelineOptions(flags))
        out = self.folder / "forked"
        shards = list_shards(str(examples), str(out))
        assert write_token_rows(pipeline, shards, OPTIONS, str(out)) == 0
        self.run("here", store=False)
        assert files(out) == files(self.folder / "here")

    def test_little_is_tokenised_without_beam(
        self, examples: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.run("before")
        path = examples / "Split-train" / "records-00001-of-00002.tfrecord"
        with path.open("wb") as file:
            file.write(tfrecords_of(map(record_to_example, TRAIN[1][:1])))
        out, memory = self.folder / "after", JobCache(self.folder)
        shards = list_shards(str(examples), str(out))
        never = beam.Pipeline()
        monkeypatch.setattr(never, "run", None)
        assert write_token_rows(never, shards, OPTIONS, str(out), memory) == 2
        self.run("fresh", store=False)
        assert files(out) == files(self.folder / "fresh")


def rows_file(number: int) -> str:
    return f"rows-{number:05d}-of-00002.tfrecord"


def test_genuine_stories_all_become_rows(genuine: Path, tmp_path: Path) -> None:
    stories = sorted((genuine / "cnn_dailymail").rglob("*.story"))
    records = []
    for path in stories:
        article, *highlights = path.read_text(encoding="utf-8").split("@highlight")
        records.append(record(path.stem, article.strip(), "\n".join(map(str.strip, highlights))))
    write_shards(tmp_path / "examples" / "Split-test", [records])
    tasks = list_shards(str(tmp_path / "examples"), str(tmp_path / "rows"))
    report = run(tasks, tmp_path, TokenOptions(sequence_length=512))["splits"]["test"]
    assert report["records"] == report["sequences"] == len(stories) > 0
    assert report["dropped"] == 0


def test_workers_do_not_import_tensorflow(root: Path) -> None:
    code = (
        "import sys, preprocessing.tokens.job;"
        "assert 'tensorflow' not in sys.modules, 'tensorflow was imported'"
    )
    subprocess.run([sys.executable, "-c", code], cwd=root, check=True)
