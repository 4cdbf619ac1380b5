"""Training 124M on records of CNN/DailyMail-like lengths: ours packed, transformers' padded, in bfloat16.

The records are generated stories (`stories.py`) in GPT-2's tokens with the end of text, cut to the context of 1,024 on
both sides. A batch has ROWS rows on both sides. Ours are packed as `tokens.packing` packs them, each record whole. The
peer gets a record a row in random order, padded to the longest of its batch, which is what a Trainer with a padding
collator does unless it is told to group by length. What counts is tokens that are no padding, over all timed steps;
each runs in turns, and the medians are compared.
`train_packed_target` is the same with the last TARGET of a record's tokens in the loss alone, as `loss_on: target`
trains on summaries; the peer's other labels are ignored.
"""

import json
import random
import statistics
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.our_programs.train_packed import CONTEXT
from benchmarks.programs import our_program, peer_program, run_program
from benchmarks.stories import write_stories
from preprocessing.tokens.vocabulary import load_vocabulary

RECORDS, ROWS, STEPS, TURNS = 200, 4, 6, 3
TARGET = 0.08
GOALS = {"train_packed": 3.0, "train_packed_target": 1.9}


def measure(name: str) -> Iterator[dict[str, Any]]:
    """The row of one of `GOALS`: useful tokens/s."""
    share = TARGET if name == "train_packed_target" else 1.0
    lengths = record_lengths(RECORDS)
    random.Random(1).shuffle(lengths)
    batches = [lengths[start : start + ROWS] for start in range(0, STEPS * ROWS, ROWS)]
    useful = sum(map(sum, batches))
    rates: dict[str, list[float]] = defaultdict(list)
    for _ in range(TURNS):
        found = run_program(our_program("train_packed", json.dumps(lengths), ROWS, STEPS, share))
        rates["ours"].append(found["tokens"] / found["seconds"])
        for weights in ("autocast", "bfloat16"):
            job = {"batches": batches, "steps": STEPS, "weights": weights, "target": share}
            seconds = run_program(peer_program("train_transformers", json.dumps(job)))["total"]
            rates[f"transformers {weights}"].append(useful / seconds)
        print({label: round(each[-1]) for label, each in rates.items()}, file=sys.stderr)
    peers = {label: statistics.median(each) for label, each in rates.items()}
    mine = peers.pop("ours")
    yield {
        "name": name,
        "unit": "useful tokens/s",
        "better": "higher",
        "ours": round(mine),
        "peers": {label: round(value) for label, value in peers.items()},
        "ratio": round(mine / max(peers.values()), 2),
        "goal": GOALS[name],
    }


def record_lengths(count: int) -> list[int]:
    """Tokens of so many records, the end of text included, cut to the context."""
    vocabulary = load_vocabulary()
    with tempfile.TemporaryDirectory() as folder:
        write_stories(Path(folder), count)
        stories = sorted(Path(folder).glob("*/stories/*.story"))
        texts = [story.read_text("utf-8") for story in stories]
    return [min(len(vocabulary.encode(text)) + 1, CONTEXT) for text in texts]
