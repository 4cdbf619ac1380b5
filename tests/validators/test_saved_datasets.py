"""Folders that Hugging Face's `datasets` has written itself give the records of their rows."""

import json
from pathlib import Path

import pytest

from preprocessing.corpus.whole import read_records
from preprocessing.options import CorpusOptions
from preprocessing.records.record import Record
from tests.validators.conftest import Validate

pytestmark = pytest.mark.long

SPLITS = {"train": 40, "validation": 5, "test": 6}
_TURNS = {"input_text": ["in April", "nobody"], "answer_start": [3, -1]}


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory, validate: Validate) -> Path:
    """A folder of folders, by how they were written."""
    root = tmp_path_factory.mktemp("saved")
    stories = {
        split: [
            {
                "id": f"{split}{number}",
                "article": f"It rained in {split} on day {number} \u2014 caf\u00e9s closed.",
                "highlights": [f"Rain on day {number}", f"Nobody in {split} was hurt"],
            }
            for number in range(count)
        ]
        for split, count in SPLITS.items()
    }
    conversations = {
        split: [
            {
                "story": f"Story {number} of {split}.",
                "questions": ["When?", "Who?"],
                "answers": _TURNS,
            }
            for number in range(count)
        ]
        for split, count in SPLITS.items()
    }
    arguments = [root]
    for name, rows in (("stories", stories), ("conversations", conversations)):
        arguments.append(root / f"{name}.rows")
        arguments[-1].write_text(json.dumps(rows))
    validate("saved_datasets.py", *arguments)
    return root


def records_of(folder: Path, task: str = "cnn_dailymail") -> list[Record]:
    options = CorpusOptions(task=task, on_leak="fail")
    records, drops = read_records(folder, options, 0)
    assert drops == []
    return records


def text_of(record: Record) -> str:
    return "".join(segment.text for segment in record.segments)


@pytest.mark.parametrize("name", ["lines", "hub", "list", "nested", "large", "views"])
def test_stories_are_read_from_all_shards_in_their_splits(saved: Path, name: str) -> None:
    assert len(list((saved / name).rglob("data-*.arrow"))) == 9
    records = records_of(saved / name)
    assert {record.id: (record.split, text_of(record)) for record in records} == {
        f"{split}{number}": (
            split,
            f"It rained in {split} on day {number} \u2014 caf\u00e9s closed.\nTL;DR:\n"
            f"Rain on day {number}\nNobody in {split} was hurt",
        )
        for split, count in SPLITS.items()
        for number in range(count)
    }


def test_chosen_rows_alone_are_there(saved: Path) -> None:
    records = records_of(saved / "chosen")
    assert len(records) == 5
    assert {record.split for record in records} == {"train"}


@pytest.mark.parametrize("suffix", ["parquet", "jsonl.gz", "json", "csv"])
def test_tables_that_were_exported_are_read(saved: Path, suffix: str) -> None:
    (file,) = (saved / "exported").glob(f"*.{suffix}")
    expected = [each for each in records_of(saved / "lines") if each.split == "train"]
    assert [(each.id, each.segments) for each in records_of(file)] == [
        (each.id, each.segments) for each in expected
    ]


def test_conversations_in_the_flat_layout_are_read(saved: Path) -> None:
    records = records_of(saved / "conversations", "coqa")
    assert sorted(map(text_of, records)) == sorted(
        f"Story {number} of {split}.\n Q: When?\n A: in April\n Q: Who?\n A: nobody"
        for split, count in SPLITS.items()
        for number in range(count)
    )
    assert {split: sum(each.split == split for each in records) for split in SPLITS} == SPLITS
