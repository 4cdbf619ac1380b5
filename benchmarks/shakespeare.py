"""nanoGPT's published CPU run on tiny shakespeare, beside a plain PyTorch program of the same shape and budget.

The published validation loss is 1.88 nats a character, which nanoGPT estimates on random batches; here it is the mean
over the whole validation part, the last 10% of the text, for both. The text's place is in GPT2_TFX_SHAKESPEARE, or it
is found beside the checkout.
"""

import os
import statistics
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.peers import ROOT
from benchmarks.programs import our_program, peer_program, run_program
from preprocessing.base.errors import InputError

PLACE = "GPT2_TFX_SHAKESPEARE"
PUBLISHED_LOSS = 1.88
STEPS, TURNS = 2000, 2


def measure(name: str) -> Iterator[dict[str, Any]]:
    """The rows `shakespeare_loss` and `shakespeare_seconds`."""
    commands = {
        "ours": our_program("shakespeare", text_file(), STEPS),
        "peer": peer_program("shakespeare_torch", text_file(), STEPS),
    }
    seconds: dict[str, list[float]] = {label: [] for label in commands}
    losses: dict[str, float] = {}
    for _ in range(TURNS):
        for label, command in commands.items():
            found = run_program(command)
            seconds[label].append(found["seconds"])
            losses[label] = found["loss"]  # the same in every turn
    mine, theirs = (statistics.median(seconds[label]) for label in ("ours", "peer"))
    yield {
        "name": name,
        "unit": "nats a character",
        "better": "lower",
        "ours": round(losses["ours"], 3),
        "peers": {"PyTorch": round(losses["peer"], 3)},
        "elsewhere": {"nanoGPT, published": PUBLISHED_LOSS},
        "ratio": round(losses["ours"] / losses["peer"], 3),
        "goal": 1.0,
    }
    yield {
        "name": "shakespeare_seconds",
        "unit": "s",
        "better": "lower",
        "ours": round(mine, 1),
        "peers": {"PyTorch": round(theirs, 1)},
        "ratio": round(mine / theirs, 2),
        "goal": 1.0,
    }


def text_file() -> Path:
    """Tiny shakespeare; InputError where it is not there."""
    beside = ROOT.parent / "shared" / "data" / "text" / "tinyshakespeare.txt"
    path = Path(os.environ.get(PLACE, beside))
    if not path.is_file():
        raise InputError(
            f"{path}: there is no such file; set {PLACE} to the path of tiny shakespeare's input.txt"
        )
    return path
