"""Folders of Hugging Face's `datasets`, beneath the first argument: stories and conversations, from two files.

Arguments: the folder; a JSON file of stories by split (`id`, `article`, `highlights` as a list of texts); one of
conversations in CoQA's flat layout.
"""

import json
import sys
from pathlib import Path

from datasets import Dataset, DatasetDict, Features, List, Value, load_from_disk

root, stories_file, conversations_file = map(Path, sys.argv[1:])
stories = json.loads(stories_file.read_text())
conversations = json.loads(conversations_file.read_text())


def of(rows: list, **kinds: object) -> Dataset:
    """A dataset of stories whose columns have these kinds."""
    texts = {name: Value("string") for name in ("id", "article")}
    return Dataset.from_list(rows, features=Features(texts | kinds))


def shown(rows: list, change: object) -> list:
    return [row | {"highlights": change(row["highlights"])} for row in rows]


VERSIONS = {
    "lines": ("\n".join, {"highlights": Value("string")}),
    "hub": (" .\n".join, {"highlights": Value("string")}),
    "list": (list, {"highlights": List(Value("string"))}),
    "nested": (lambda each: [[one] for one in each], {"highlights": List(List(Value("string")))}),
    "large": (
        "\n".join,
        {"article": Value("large_string"), "highlights": Value("large_string")},
    ),
    "views": ("\n".join, {"article": Value("string_view"), "highlights": Value("string_view")}),
}
for name, (change, kinds) in VERSIONS.items():
    saved = DatasetDict(
        {split: of(shown(rows, change), **kinds) for split, rows in stories.items()}
    )
    saved.save_to_disk(root / name, num_shards=dict.fromkeys(stories, 3))

# What later work leaves beside the data: results of map, and indices of a shuffle, with a process or two.
lines = root / "lines"
for split in load_from_disk(lines).values():
    split.map(lambda row: {"article": "Cached " + row["article"]})
    split.map(lambda row: {"article": "Cached by two " + row["article"]}, num_proc=2)
    split.shuffle(seed=1)
assert list(lines.rglob("cache-*.arrow"))

# Rows that were chosen, in another order.
chosen = of(shown(stories["train"], "\n".join), **VERSIONS["lines"][1])
chosen.shuffle(seed=3).select(range(5)).save_to_disk(root / "chosen" / "train")

exported = of(shown(stories["train"], "\n".join), **VERSIONS["lines"][1])
files = root / "exported"
files.mkdir()
exported.to_parquet(files / "train-a.parquet")
exported.to_json(files / "train-b.jsonl.gz", compression="gzip")
exported.to_json(files / "train-c.json", lines=False)
exported.to_csv(files / "train-d.csv")

answers = {
    name: List(Value(kind)) for name, kind in (("input_text", "string"), ("answer_start", "int32"))
}
flat = {"story": Value("string"), "questions": List(Value("string")), "answers": answers}
DatasetDict(
    {
        split: Dataset.from_list(rows, features=Features(flat))
        for split, rows in conversations.items()
    }
).save_to_disk(root / "conversations")
