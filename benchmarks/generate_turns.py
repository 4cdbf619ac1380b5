"""Answering about a story turn after turn, 124M in bfloat16: the story computed once, beside a story for each turn.

Lengths like CoQA's (Reddy et al. 2019: passages of 271 words, 15.2 turns, questions of 5.5 words, answers of
2.7), in tokens and with the marks between them.
"""

import statistics
import tempfile
from collections.abc import Iterator
from typing import Any

from benchmarks.programs import our_program, run_program

STORY, TURN, TURNS, NEW = 350, 16, 15, 6


def measure(name: str) -> Iterator[dict[str, Any]]:
    """The row `generate_coqa_turns`: turns/s."""
    with tempfile.TemporaryDirectory() as folder:
        found = run_program(our_program("generate_turns", folder, STORY, TURN, TURNS, NEW))
    speed = {label: TURNS / statistics.median(seconds) for label, seconds in found.items()}
    yield {
        "name": name,
        "unit": "turns/s",
        "better": "higher",
        "ours": round(speed["one_story"], 2),
        "peers": {"ours, a story for each turn": round(speed["own_stories"], 2)},
        "ratio": round(speed["one_story"] / speed["own_stories"], 2),
        "goal": 3.0,
    }
