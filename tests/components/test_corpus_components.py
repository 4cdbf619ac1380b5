"""CorpusGen and Tokenizer run by their executors on a corpus of a test."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from tfx.components.util import examples_utils
from tfx.proto import example_gen_pb2
from tfx.types import artifact_utils
from tfx.types.artifact import Artifact
from tfx.types.standard_artifacts import ExampleAnomalies, Examples

from components.artifacts import CorpusReport, RecordIndex, TokenStatistics
from components.corpus_gen import CorpusGen
from components.evaluation_inputs import read_split_records, read_split_rows
from components.tokenizer import Tokenizer, check_drops
from preprocessing.base import progress
from preprocessing.base.digests import sha256_text
from preprocessing.base.errors import InputError
from preprocessing.base.job_cache import JOB_CACHE_VARIABLE
from preprocessing.options import CorpusOptions, TaskName, TokenOptions
from preprocessing.records.record import SPLITS, Record
from tests.components.fakes import news_record
from tests.components.stages import artifact, execute, record_examples
from tests.preprocessing.corpora import story, write_release


@pytest.fixture
def messages() -> Iterator[list[str]]:
    """What the components say beside their progress."""
    said: list[str] = []

    def listen(report: Mapping[str, Any]) -> None:
        if "message" in report:
            said.append(str(report["message"]))

    progress.set_sink(listen)
    yield said
    progress.set_sink(None)


def corpus_gen(root: Path, folder: Path, options: CorpusOptions) -> dict[str, Artifact]:
    kinds = {"examples": Examples, "index": RecordIndex, "report": CorpusReport}
    outputs = {name: artifact(kind, folder / name) for name, kind in kinds.items()}
    properties = {"root": str(root), "options": json.dumps(asdict(options)), "seed": 1}
    execute(CorpusGen, {}, outputs, properties)
    return outputs


def report_page(made: Mapping[str, Artifact]) -> Path:
    return Path(made["report"].uri, "corpus.html")


def tokenizer(
    examples: Artifact, folder: Path, most_dropped: float = 0.01, **options: Any
) -> dict[str, Artifact]:
    outputs = {
        "tokens": artifact(Examples, folder / "tokens"),
        "statistics": artifact(TokenStatistics, folder / "statistics"),
    }
    inputs = {"examples": examples, "anomalies": artifact(ExampleAnomalies, folder / "anomalies")}
    text = json.dumps(asdict(TokenOptions(vocabulary="bytes", **options)))
    properties = {"task": "cnn_dailymail", "options": text, "max_dropped_fraction": most_dropped}
    execute(Tokenizer, inputs, outputs, properties)
    return outputs


def splits_of(examples: Artifact) -> list[str]:
    return artifact_utils.decode_split_names(examples.split_names)


def test_a_corpus_becomes_records_an_index_a_report_and_rows(
    tmp_path: Path, messages: list[str]
) -> None:
    ids = write_release(tmp_path / "corpus")
    made = corpus_gen(tmp_path / "corpus", tmp_path / "out", CorpusOptions())
    examples = made["examples"]
    assert splits_of(examples) == list(SPLITS)
    assert examples_utils.get_payload_format(examples) == example_gen_pb2.FORMAT_TF_EXAMPLE
    records = {split: read_split_records(Path(examples.uri), split) for split in SPLITS}
    assert [len(records[split]) for split in SPLITS] == [10, 1, 1]
    assert sorted(record.id for split in SPLITS for record in records[split]) == sorted(ids)
    assert made["index"].get_int_custom_property("records") == 12
    assert made["index"].get_int_custom_property("corpus_files") == 12
    lines = [
        json.loads(line)
        for path in sorted(Path(made["index"].uri).rglob("*.jsonl"))
        for line in path.read_text(encoding="utf-8").splitlines()
    ]
    assert {line["id"]: line["split"] for line in lines} == {
        record.id: split for split in SPLITS for record in records[split]
    }
    page = Path(made["report"].uri, "corpus.html").read_text(encoding="utf-8")
    assert "12 records were kept, no document was dropped" in " ".join(page.split())

    tokens = tokenizer(examples, tmp_path / "rows", sequence_length=64)
    assert splits_of(tokens["tokens"]) == list(SPLITS)
    rows = {split: read_split_rows(Path(tokens["tokens"].uri), split) for split in SPLITS}
    assert all(len(row.input_ids) == 64 for split in SPLITS for row in rows[split])
    sequences = {split: sum(int(row.segment_ids.max()) for row in rows[split]) for split in SPLITS}
    assert sequences == {"train": 10, "validation": 1, "test": 1}
    assert messages == [
        f"12 records (10 train, 1 validation, 1 test), 0 dropped; report: {report_page(made)}"
    ]


def test_markers_of_documents_that_are_read_as_text_are_counted_aloud(
    tmp_path: Path, messages: list[str]
) -> None:
    write_release(tmp_path / "corpus")
    for path in (tmp_path / "corpus" / "cnn" / "stories").iterdir():
        path.write_text(story("One.\n<|endoftext|>\nTwo.", "First"))
    made = corpus_gen(tmp_path / "corpus", tmp_path / "out", CorpusOptions())
    messages.clear()
    tokenizer(made["examples"], tmp_path / "rows", sequence_length=64)
    assert "<|endoftext|> stands 8 times in texts and is read as text there" in messages


@pytest.mark.parametrize(("separator", "is_said"), [("<|endoftext|>", False), ("<eot>", True)])
def test_a_separator_that_parts_nothing_is_said(
    tmp_path: Path, messages: list[str], separator: str, is_said: bool
) -> None:
    for name in ("train", "test"):
        text = f"The first of {name}.<|endoftext|>The second of {name}."
        (tmp_path / f"{name}.txt").write_text(text)
    options = CorpusOptions(task="text", path=str(tmp_path), document_separator=separator)
    corpus_gen(tmp_path, tmp_path / "out", options)
    said = f"corpus.document_separator {separator!r} parts no file"
    assert any(said in message for message in messages) is is_said


@pytest.mark.parametrize(
    ("added", "splits"),
    [("validation.jsonl", {"train", "validation"}), ("test.jsonl", {"train", "test"})],
)
def test_of_files_that_all_say_train_it_is_said_how_something_is_held_out(
    tmp_path: Path, messages: list[str], added: str, splits: set[str]
) -> None:
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    table = corpus / "train.jsonl"
    table.write_text("".join(f'{{"text": "Text {number}."}}\n' for number in range(40)))
    options = CorpusOptions(task="text", path=str(corpus), test_fraction=0.3)
    assert splits_of(corpus_gen(corpus, tmp_path / "train", options)["examples"]) == ["train"]
    assert messages[0] == (
        "no record is held out as test, so no model can be blessed: where the names of files say splits, add a "
        "file named test or rename them so that they say none; else raise corpus.test_fraction or add documents"
    )
    (corpus / added).write_text('{"text": "Another."}\n')
    assert {*splits_of(corpus_gen(corpus, tmp_path / "added", options)["examples"])} == splits
    assert ("; or set evaluation.split to validation" in messages[2]) == ("validation" in splits)
    (corpus / added).unlink()
    table.rename(corpus / "all.jsonl")
    renamed = splits_of(corpus_gen(corpus, tmp_path / "renamed", options)["examples"])
    assert renamed == ["train", "validation", "test"]


@pytest.mark.parametrize(
    ("task", "said"),
    [
        ("cnn_dailymail", "10 records (8 train, 1 validation, 1 test), 0 dropped"),
        ("coqa", "1 record (1 train, 0 validation, 0 test), 0 dropped"),
        ("text", "3 records (1 train, 1 validation, 1 test), 0 dropped"),
    ],
)
def test_the_report_of_a_genuine_sample_says_what_became_of_each_document(
    genuine: Path, tmp_path: Path, messages: list[str], task: TaskName, said: str
) -> None:
    made = corpus_gen(genuine / task, tmp_path, CorpusOptions(task=task))
    *warnings, last = messages
    assert last == f"{said}; report: {report_page(made)}"
    assert [warning.split(",")[0] for warning in warnings] == (
        ["no record is held out as test"] if task == "coqa" else []
    )
    page = " ".join(report_page(made).read_text(encoding="utf-8").split())
    assert "kept, no document was dropped. Every document was found only once." in page


def test_shards_come_from_the_memory_that_the_environment_names(
    tmp_path: Path, messages: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write_release(tmp_path / "corpus")
    examples = corpus_gen(tmp_path / "corpus", tmp_path / "out", CorpusOptions())["examples"]
    monkeypatch.setenv(JOB_CACHE_VARIABLE, str(tmp_path / "memory"))
    first, second = (
        tokenizer(examples, tmp_path / name, sequence_length=64) for name in ("first", "second")
    )
    assert messages[1:] == ["3 of 3 shards were tokenised before and reused"]
    for kind in ("tokens", "statistics"):
        made = [
            {path.name: path.read_bytes() for path in Path(outputs[kind].uri).rglob("*.*")}
            for outputs in (first, second)
        ]
        assert made[0] == made[1] != {}


def test_dropped_documents_are_counted_with_their_reasons(
    tmp_path: Path, messages: list[str]
) -> None:
    write_release(tmp_path / "corpus")
    next((tmp_path / "corpus" / "cnn" / "stories").iterdir()).write_text("No highlights.")
    made = corpus_gen(
        tmp_path / "corpus", tmp_path / "out", CorpusOptions(max_dropped_fraction=0.1)
    )
    assert made["index"].get_int_custom_property("records") == 11
    (message,) = messages
    assert message.endswith(f" 1 dropped (no_highlight 1); report: {report_page(made)}")
    assert "no highlight: 1 document" in Path(made["report"].uri, "corpus.html").read_text("utf-8")


def write_leak(root: Path) -> None:
    """A release with one article in test and in training."""
    ids = write_release(root)
    (file,) = root.rglob(f"{ids[3]}.story")
    file.write_text(story("Article 1.", "Another point"))


def test_a_leak_is_a_warning_and_on_the_page(tmp_path: Path, messages: list[str]) -> None:
    write_leak(tmp_path / "corpus")
    made = corpus_gen(tmp_path / "corpus", tmp_path / "out", CorpusOptions())
    assert made["index"].get_int_custom_property("records") == 12
    assert messages[:-1] == ["1 document is in more than one split; the corpus report names them"]
    page = Path(made["report"].uri, "corpus.html").read_text("utf-8")
    assert "1 document is in more than one split" in page


def test_a_leak_may_be_dropped(tmp_path: Path, messages: list[str]) -> None:
    write_leak(tmp_path / "corpus")
    made = corpus_gen(tmp_path / "corpus", tmp_path / "out", CorpusOptions(on_leak="drop"))
    assert made["index"].get_int_custom_property("records") == 11
    assert len(read_split_records(Path(made["examples"].uri), "test")) == 1
    assert messages == [
        "1 document is in more than one split; the corpus report names them",
        f"11 records (9 train, 1 validation, 1 test), 1 dropped (leak 1); report: {report_page(made)}",
    ]


def test_a_leak_may_stop_the_run(tmp_path: Path) -> None:
    write_leak(tmp_path / "corpus")
    with pytest.raises(InputError, match="1 document is in more than one split, so the scores"):
        corpus_gen(tmp_path / "corpus", tmp_path / "out", CorpusOptions(on_leak="fail"))


def test_too_many_drops_stop_the_run(tmp_path: Path) -> None:
    write_release(tmp_path / "corpus")
    next((tmp_path / "corpus" / "cnn" / "stories").iterdir()).write_text("No highlights.")
    with pytest.raises(
        InputError, match=r"1 of 12 documents were dropped.*max_dropped_fraction 0.01"
    ):
        corpus_gen(tmp_path / "corpus", tmp_path / "out", CorpusOptions())


def test_a_missing_corpus_is_the_callers_mistake(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no such file or folder; set corpus.path"):
        corpus_gen(tmp_path / "nowhere", tmp_path / "out", CorpusOptions())


def test_an_empty_split_is_not_named_by_the_records_but_by_the_rows(tmp_path: Path) -> None:
    (tmp_path / "corpus").mkdir()
    for number in range(3):
        (tmp_path / "corpus" / f"{number}.story").write_text(story(f"Article {number}.", "Point"))
    options = CorpusOptions(validation_fraction=0.0, test_fraction=0.0)
    examples = corpus_gen(tmp_path / "corpus", tmp_path / "out", options)["examples"]
    assert splits_of(examples) == ["train"]
    tokens = tokenizer(examples, tmp_path / "rows", sequence_length=64)["tokens"]
    assert splits_of(tokens) == list(SPLITS)
    assert read_split_rows(Path(tokens.uri), "test") == []


def train(number: int, article: str = "An article.") -> Record:
    record = news_record(number, article)
    return Record(record.id, record.source, 0, record.digest, "train", record.segments)


def test_cut_records_are_reported(tmp_path: Path, messages: list[str]) -> None:
    records = [train(0, "An article that is longer than the row that it is to go into."), train(1)]
    examples = record_examples(tmp_path / "examples", records)
    made = tokenizer(examples, tmp_path / "rows", sequence_length=40)
    statistics = Path(made["statistics"].uri, "token_statistics.json").read_text(encoding="utf-8")
    counts = json.loads(statistics)["splits"]["train"]
    assert counts["truncated"] == 1
    (cut,) = counts["first_truncated"]
    assert (cut["id"], cut["left_out"]) == (records[0].id, counts["bytes_left_out"])
    text = "".join(segment.text for segment in records[0].segments)
    assert cut["bytes"] == len(text)
    share = cut["left_out"] / counts["bytes"]
    assert messages == [
        f"1 of 2 records are longer than a row and were cut: {cut['left_out']} bytes of text, {share:.1%} of "
        f"all, are in no row ({cut['id']})"
    ]


def test_too_many_records_without_a_place_in_a_row_stop_the_run(
    tmp_path: Path, messages: list[str]
) -> None:
    records = [train(0, "An article that is longer than the row that it is to go into."), train(1)]
    examples = record_examples(tmp_path / "examples", records)
    with pytest.raises(
        InputError, match=r"1 of 2 records have no place.*max_dropped_fraction 0\.49"
    ) as error:
        tokenizer(examples, tmp_path / "a", 0.49, sequence_length=40, over_long="drop")
    assert error.value.messages[1].startswith(f"  too_long: 1, first {records[0].source}: ")
    tokenizer(examples, tmp_path / "b", 0.5, sequence_length=40, over_long="drop")
    assert messages == ["1 of 2 records have no place in a row"]


@pytest.mark.parametrize(
    ("over_long", "others"), [("drop", "truncate_prompt or split"), ("truncate_prompt", "split")]
)
def test_the_remedy_for_dropped_records_is_not_what_they_were_dropped_by(
    over_long: str, others: str
) -> None:
    split = {"records": 2, "dropped": 1, "reasons": {}}
    with pytest.raises(InputError, match=rf"set tokens\.over_long to {others}, or raise"):
        check_drops({"train": split}, over_long, 0.1)


def test_a_row_too_short_for_every_record_stops_the_run(tmp_path: Path) -> None:
    examples = record_examples(tmp_path / "examples", [train(0), train(1)])
    with pytest.raises(InputError, match=r"tokens.sequence_length: 8 .* all 2 .*target_too_long"):
        tokenizer(examples, tmp_path / "rows", sequence_length=8)


def test_a_row_that_no_memory_can_hold_stops_the_run(tmp_path: Path) -> None:
    examples = record_examples(tmp_path / "examples", [train(0)])
    with pytest.raises(
        InputError, match=r"tokens\.sequence_length 1000000000000: one row alone would take"
    ):
        tokenizer(examples, tmp_path / "rows", sequence_length=10**12)


def test_the_options_option_for_long_records_comes_before_the_tasks(tmp_path: Path) -> None:
    records = [train(0, "An article that is longer than the row that it is to go into."), train(1)]
    examples = record_examples(tmp_path / "examples", records)
    made = tokenizer(examples, tmp_path / "rows", 0.5, sequence_length=40, over_long="drop")
    statistics = Path(made["statistics"].uri, "token_statistics.json").read_text(encoding="utf-8")
    assert json.loads(statistics)["splits"]["train"]["reasons"]["too_long"]["count"] == 1


def test_names_in_exclude_that_match_nothing_are_reported(
    tmp_path: Path, messages: list[str]
) -> None:
    root = tmp_path / "texts"
    root.mkdir()
    (root / "train.jsonl").write_text('{"text": "one"}\n{"text": "two"}\n{"text": "three"}\n')
    (root / "test.jsonl").write_text('{"text": "four"}\n')
    exclude = [sha256_text("two")[:32], "test.jsonl", "tipo"]
    options = CorpusOptions(task="text", exclude=exclude)
    made = corpus_gen(root, tmp_path / "made", options)
    drops = json.loads(Path(made["report"].uri, "drops.json").read_text())
    assert drops["exclude_unmatched"] == ["tipo"]
    assert any("tipo" in message for message in messages)
    assert "tipo" in report_page(made).read_text()
