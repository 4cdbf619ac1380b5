"""The peak memory of any process of CorpusGen and Tokenizer.

On two corpora of stories, of which one is ten times the other, and on a million files of some 40 bytes.
"""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.corpus_jobs import run_jobs
from benchmarks.stories import write_small_stories, write_stories

# Name, how the corpus is written, how many files it has, and the limit in MiB.
_CORPORA: list[tuple[str, Callable[[Path, int], object], int, int]] = [
    ("10k", write_stories, 10_000, 1024),
    ("100k", write_stories, 100_000, 1024),
    ("1M_small", write_small_stories, 1_000_000, 400),
]


def measure(name: str) -> list[dict[str, Any]]:
    """A row for each corpus; the peer is the limit."""
    rows = []
    for corpus, write, files, limit in _CORPORA:
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder, "corpus")
            write(root, files)
            peak = round(run_jobs(root, Path(folder, "workspace"), "out").peak / 2**20)
        rows.append(
            {
                "name": f"{name}_{corpus}",
                "unit": "MiB in the largest process",
                "better": "lower",
                "ours": peak,
                "peers": {"limit": limit},
                "ratio": round(peak / limit, 3),
                "goal": 1.0,
            }
        )
    return rows
