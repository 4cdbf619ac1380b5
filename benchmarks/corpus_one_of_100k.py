"""One story changed among 100,000, and one row appended to a table of them: the CPU time of CorpusGen and Tokenizer.

It is given as a share of the full jobs'.

What is measured is the work of the two nodes with their workers: user and system time, see `corpus_jobs`.
"""

import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.corpus_jobs import run_jobs
from benchmarks.stories import write_stories

STORIES = 100_000


def measure(name: str) -> list[dict[str, Any]]:
    """The rows `corpus_one_of_100k` and `corpus_one_of_100k_rows`."""
    with tempfile.TemporaryDirectory() as folder:
        root, table = Path(folder, "corpus"), Path(folder, "table")
        write_stories(root, STORIES)
        rows = _write_table(root, table)
        # Two seconds after they were written, files count as settled: their stat says whether they have changed.
        time.sleep(3)
        return [
            _row(name, root, Path(folder, "workspace"), lambda: _change_a_story(root)),
            _row(f"{name}_rows", table, Path(folder, "for_table"), lambda: _append_a_row(rows)),
        ]


def _row(name: str, root: Path, workspace: Path, change: Callable[[], None]) -> dict[str, Any]:
    full = run_jobs(root, workspace, "full")
    change()
    one = run_jobs(root, workspace, "one")
    if one.read is None or one.reused < one.shards - 6:
        raise RuntimeError(f"the second job was no incremental one: {one}")
    share = round(one.cpu / full.cpu, 4)
    return {
        "name": name,
        "unit": "fraction of the full jobs' CPU time",
        "better": "lower",
        "ours": share,
        "peers": {"full jobs": 1.0},
        "ratio": share,
        "goal": 0.03,
    }


def _change_a_story(root: Path) -> None:
    story = next((root / "cnn" / "stories").iterdir())
    text = story.read_text("utf-8")
    story.write_text(text.replace("@highlight", "It was changed.\n\n@highlight", 1), "utf-8")


def _append_a_row(table: Path) -> None:
    with table.open("a", encoding="utf-8") as file:
        file.write(json.dumps({"article": "One more text.", "highlights": "One more."}) + "\n")


def _write_table(root: Path, folder: Path) -> Path:
    """The stories as the rows of a table."""
    folder.mkdir()
    table = folder / "stories.jsonl"
    with table.open("w", encoding="utf-8") as file:
        for story in sorted(root.glob("*/stories/*.story")):
            article, *highlights = story.read_text("utf-8").split("@highlight")
            row = {"article": article, "highlights": "\n".join(map(str.strip, highlights))}
            file.write(json.dumps(row) + "\n")
    return table
