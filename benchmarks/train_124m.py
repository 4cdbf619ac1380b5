"""Training 124M, batch 2 x 512, beside transformers on PyTorch with bfloat16, as autocast and as bfloat16 weights."""

import json
import statistics
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

from benchmarks.peers import ROOT, peer_command

BATCH, LENGTH, STEPS, TURNS = 2, 512, 4, 2


def measure(name: str) -> Iterator[dict[str, Any]]:
    """The row `train_124M`: tokens/s."""
    ours = [sys.executable, "-m", "benchmarks.our_programs.train_124m"]
    commands = {"ours": [*ours, str(BATCH), str(LENGTH), str(STEPS)]}
    program = str(ROOT / "benchmarks" / "peer_programs" / "train_transformers.py")
    for weights in ("autocast", "bfloat16"):
        job = {"batches": [[LENGTH] * BATCH], "steps": STEPS, "weights": weights}
        commands[f"transformers {weights}"] = [
            str(peer_command("python")),
            program,
            json.dumps(job),
        ]
    seconds: dict[str, list[float]] = {label: [] for label in commands}
    for _ in range(TURNS):
        for label, command in commands.items():
            done = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE)
            seconds[label].append(json.loads(done.stdout.splitlines()[-1])["seconds"])
    speed = {label: BATCH * LENGTH / statistics.median(times) for label, times in seconds.items()}
    mine = speed.pop("ours")
    yield {
        "name": name,
        "unit": "tokens/s",
        "better": "higher",
        "ours": round(mine),
        "peers": {label: round(value) for label, value in speed.items()},
        "ratio": round(mine / max(speed.values()), 2),
        "goal": 2.0,
    }
