"""One story changed among 100,000: the CPU time of CorpusGen and Tokenizer as a share of the full jobs'.

What is measured is the work of the two nodes with Beam's workers: user and system time, see `corpus_jobs`.
"""

import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.corpus_jobs import run_jobs
from benchmarks.stories import write_stories

STORIES = 100_000


def measure(name: str) -> list[dict[str, Any]]:
    """The row `corpus_one_of_100k`."""
    with tempfile.TemporaryDirectory() as folder:
        root, workspace = Path(folder, "corpus"), Path(folder, "workspace")
        write_stories(root, STORIES)
        # Two seconds after they were written, files count as settled: their stat says whether they have changed.
        time.sleep(3)
        full = run_jobs(root, workspace, "full")
        story = next((root / "cnn" / "stories").iterdir())
        story.write_text(
            story.read_text("utf-8").replace("@highlight", "It was changed.\n\n@highlight", 1),
            "utf-8",
        )
        one = run_jobs(root, workspace, "one")
    if one.read != 1 or one.reused < one.shards - 3:
        raise RuntimeError(f"the second job was no incremental one: {one}")
    share = round(one.cpu / full.cpu, 4)
    return [
        {
            "name": name,
            "unit": "fraction of the full jobs' CPU time",
            "better": "lower",
            "ours": share,
            "peers": {"full jobs": 1.0},
            "ratio": share,
            "goal": 0.03,
        }
    ]
