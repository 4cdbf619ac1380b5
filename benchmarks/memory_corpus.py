"""The peak memory of any process of CorpusGen and Tokenizer, on two corpora of which one is ten times the other."""

import tempfile
from pathlib import Path
from typing import Any

from benchmarks.corpus_jobs import run_jobs
from benchmarks.stories import write_stories

SIZES = (10_000, 100_000)
LIMIT_MIB = 1024


def measure(name: str) -> list[dict[str, Any]]:
    """A row for each size; the peer is the limit."""
    rows = []
    for stories in SIZES:
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder, "corpus")
            write_stories(root, stories)
            peak = round(run_jobs(root, Path(folder, "workspace"), "out").peak / 2**20)
        rows.append(
            {
                "name": f"{name}_{stories // 1000}k",
                "unit": "MiB in the largest process",
                "better": "lower",
                "ours": peak,
                "peers": {"limit": LIMIT_MIB},
                "ratio": round(peak / LIMIT_MIB, 3),
                "goal": 1.0,
            }
        )
    return rows
