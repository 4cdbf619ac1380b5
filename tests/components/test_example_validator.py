"""The gate: records of every task against its schema, by the executors of StatisticsGen and ExampleValidator."""

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tfx.types.standard_artifacts import ExampleAnomalies, ExampleStatistics, Schema

from components.example_validator import ExampleValidator
from components.odd_records import OddRecords
from components.statistics_gen import StatisticsGen
from preprocessing.base import progress
from preprocessing.base.errors import InputError
from preprocessing.corpus.whole import read_records
from preprocessing.options import CorpusOptions, TaskName
from preprocessing.readers.token_archives import END_OF_TEXT_ID
from preprocessing.records.record import SPLITS, Record, Segment
from tests.components.fakes import conversation_record, news_record
from tests.components.stages import artifact, execute, record_examples

ARTICLE = "Words that make an article long enough to be one. " * 4


def validate(folder: Path, root: Path, task: str, records: Sequence[Record]) -> None:
    """Statistics of the records, then the gate with the schema that the task ships."""
    schema = artifact(Schema, folder / "schema")
    shutil.copy(
        root / "components" / "schemas" / f"{task}.pbtxt", folder / "schema" / "schema.pbtxt"
    )
    gate(folder, schema, records)


def gate(folder: Path, schema: Schema, records: Sequence[Record]) -> None:
    statistics = artifact(ExampleStatistics, folder / "statistics")
    examples = record_examples(folder / "examples", records)
    execute(
        StatisticsGen,
        {"examples": examples},
        {"statistics": statistics},
        {"exclude_splits": "[]"},
    )
    execute(
        ExampleValidator,
        {"examples": examples, "statistics": statistics, "schema": schema},
        {"anomalies": artifact(ExampleAnomalies, folder / "anomalies")},
        {"exclude_splits": "[]"},
    )


def anomalies(folder: Path, root: Path, task: str, records: Sequence[Record]) -> tuple[str, ...]:
    """The messages of the refusal; the last says what to do."""
    with pytest.raises(InputError) as refusal:
        validate(folder, root, task, records)
    *found, remedy = refusal.value.messages
    assert "validation.schema" in remedy
    return tuple(found)


TASKS: list[TaskName] = ["cnn_dailymail", "coqa", "text"]


@pytest.mark.parametrize("task", TASKS)
def test_the_shipped_corpora_pass(task: TaskName, root: Path, tmp_path: Path) -> None:
    records, drops = read_records(root / "data" / task, CorpusOptions(task=task), seed=1)
    splits = {record.split for record in records}
    assert splits >= {"train", "test"}
    assert drops == []
    validate(tmp_path, root, task, records)
    validated = {path.parent.name for path in tmp_path.rglob("SchemaDiff.pb")}
    assert validated == {f"Split-{split}" for split in splits}


def test_a_folder_whose_name_looks_like_a_pattern_is_taken_as_it_is(
    root: Path, tmp_path: Path
) -> None:
    records = [replace(news_record(number, ARTICLE), split="train") for number in range(4)]
    folder = tmp_path / "exp [1] a*b what?"
    folder.mkdir()
    validate(folder, root, "cnn_dailymail", records)
    assert list(folder.rglob("SchemaDiff.pb"))


@pytest.mark.long  # what ships is validated in every run of the tests
@pytest.mark.parametrize("task", TASKS)
def test_the_genuine_samples_pass(
    task: TaskName, root: Path, genuine: Path, tmp_path: Path
) -> None:
    records, _ = read_records(genuine / task, CorpusOptions(task=task), seed=1)
    validate(tmp_path, root, task, records)
    assert list(tmp_path.rglob("SchemaDiff.pb"))


def test_every_defect_is_named_with_split_feature_and_what_is_wrong(
    root: Path, tmp_path: Path
) -> None:
    good = [replace(news_record(number, ARTICLE), split="train") for number in range(4)]
    mojibake = ARTICLE + "\ufffd" * 40
    bad = [
        news_record(4, article="Too short."),
        news_record(8, article="Also short."),
        replace(news_record(5, ARTICLE), split="holdout"),
        replace(news_record(6, mojibake), split="validation"),
        replace(news_record(7, mojibake), split="validation"),
    ]
    found = anomalies(tmp_path, root, "cnn_dailymail", [*good, *bad])
    assert len(found) == 3
    by_place = {message.split(": ", 1)[0]: message.split(": ", 1)[1] for message in found}
    short = by_place["anomaly in split test, feature prompt_characters"]
    assert "Out-of-range values" in short
    assert "2 of 9 records have a value of prompt_characters that is not at least 40" in short
    assert f"{bad[0].id} ({bad[0].source}): 18" in short
    unknown = by_place["anomaly in split train, feature split"]
    assert "Unexpected string values" in unknown
    assert "holdout" in unknown
    damaged = by_place["anomaly in split validation, feature replacement_characters"]
    assert "Out-of-range values" in damaged
    assert "2 of 9 records have a value of replacement_characters" in damaged
    assert "at least 0 and at most 20" in damaged


def test_a_single_odd_record_among_many_is_named_and_stops_nothing(
    root: Path, tmp_path: Path
) -> None:
    records = [replace(news_record(number, ARTICLE), split="train") for number in range(10)]
    odd = news_record(10, article="It rained.")
    said: list[str] = []
    progress.set_sink(lambda report: said.append(str(report["message"])))
    try:
        validate(tmp_path, root, "cnn_dailymail", [*records, odd])
    finally:
        progress.set_sink(None)
    assert said == [
        "1 of 11 records have a value of prompt_characters that is not at least 40: "
        f"{odd.id} ({odd.source}): 18; look at them, the run goes on"
    ]


@pytest.mark.parametrize(
    ("odd", "of", "few"),
    [(1, 2, True), (1, 1, False), (2, 9, False), (3, 30, True), (4, 30, False)],
)
def test_odd_records_are_few_up_to_a_tenth_of_the_corpus(odd: int, of: int, few: bool) -> None:
    assert OddRecords("prompt_characters", "at least 40", of, odd).are_few is few


def test_a_record_with_a_segment_too_many_is_an_anomaly(root: Path, tmp_path: Path) -> None:
    record = news_record(article=ARTICLE)
    longer = replace(record, split="train", segments=(*record.segments, Segment("More.", True)))
    found = anomalies(tmp_path, root, "cnn_dailymail", [longer])
    features = {
        message.split(": ")[0].removeprefix("anomaly in split train, ") for message in found
    }
    assert features == {"feature text", "feature in_loss", "feature reference_counts"}


def test_records_of_one_task_do_not_pass_for_another(root: Path, tmp_path: Path) -> None:
    record = replace(conversation_record(("q?", "a"), ("r?", "b"), story=ARTICLE), split="train")
    found = anomalies(tmp_path, root, "text", [record])
    assert any("feature prompt_characters" in message for message in found)


def test_a_few_replacement_characters_pass(root: Path, tmp_path: Path) -> None:
    record = replace(news_record(article=ARTICLE + "\ufffd" * 20), split="train")
    validate(tmp_path, root, "cnn_dailymail", [record])


def test_a_schema_that_cannot_be_read_is_the_callers_mistake(tmp_path: Path) -> None:
    schema = artifact(Schema, tmp_path / "schema")
    (tmp_path / "schema" / "schema.pbtxt").write_text("feature { nmae: 'id' }")
    with pytest.raises(InputError, match=r"validation.schema: not a schema.*nmae"):
        gate(tmp_path, schema, [replace(news_record(article=ARTICLE), split="train")])


def test_archives_of_ids_pass_as_texts(root: Path, tmp_path: Path) -> None:
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    for split in SPLITS:
        documents = np.array([464, 995, END_OF_TEXT_ID, 40, END_OF_TEXT_ID], np.uint16)
        np.savez(corpus / f"{split}.npz", documents)
    records, drops = read_records(corpus, CorpusOptions(task="text"), seed=1)
    assert (len(records), drops) == (6, [])
    validate(tmp_path, root, "text", records)
    validated = {path.parent.name for path in tmp_path.rglob("SchemaDiff.pb")}
    assert validated == {f"Split-{split}" for split in SPLITS}
