"""The Evaluator's texts of 32 prompts of 512 tokens, beside `generate` alone with the prompts of `generate_8x512`."""

import statistics
import tempfile
from collections.abc import Iterator
from typing import Any

from benchmarks.programs import our_program, run_program

RECORDS, LENGTH, NEW, TURNS = 32, 512, 64, 3


def measure(name: str) -> Iterator[dict[str, Any]]:
    """The row `evaluate_throughput`: new tokens/s of both, by one process in turns."""
    with tempfile.TemporaryDirectory() as folder:
        found = run_program(our_program("evaluate", folder, RECORDS, LENGTH, NEW, TURNS))
    ours, alone = (statistics.median(found[label]) for label in ("evaluate", "generate"))
    yield {
        "name": name,
        "unit": "new tokens/s",
        "better": "higher",
        "ours": round(ours, 1),
        "peers": {"generate 8 x 512": round(alone, 1)},
        "ratio": round(ours / alone, 2),
        "goal": 0.9,
    }
