"""Eight clients of `serve` beside one call of `generate` with their prompts; and one client's first text."""

import statistics
import tempfile
from collections.abc import Iterator
from typing import Any

from benchmarks.programs import our_program, run_program

CLIENTS, LENGTH, NEW, TURNS = 8, 512, 64, 4


def measure(name: str) -> Iterator[dict[str, Any]]:
    """The row `serve_8_clients` or `serve_first_token`."""
    with tempfile.TemporaryDirectory() as folder:
        found = run_program(our_program("serve", folder, CLIENTS, LENGTH, NEW, TURNS))
    medians = {label: statistics.median(values) for label, values in found.items()}
    if name == "serve_8_clients":
        ours, peer = medians["serve"], medians["generate"]
        yield {
            "name": name,
            "unit": "new tokens/s",
            "better": "higher",
            "ours": round(ours, 1),
            "peers": {"generate 8 x 512": round(peer, 1)},
            "ratio": round(ours / peer, 2),
            "goal": 0.9,
        }
    else:
        ours, peer = medians["first"], medians["one_token"]
        yield {
            "name": name,
            "unit": "s",
            "better": "lower",
            "ours": round(ours, 3),
            "peers": {"generate 1 x 512, one token": round(peer, 3)},
            "ratio": round(ours / peer, 2),
            "goal": 1.2,
        }
