"""Generation with 124M, top-p 0.9, beside transformers in bfloat16 and CTranslate2 in int8; all weights are random."""

import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from typing import Any

from benchmarks.peers import ROOT, peer_command

NEW, TURNS, PROCESSES = 64, 2, 2
CASES = {"generate_8x512": (8, 512, 2.0), "generate_1x64": (1, 64, 1.0)}


def measure(name: str) -> Iterator[dict[str, Any]]:
    """The row of a case: new tokens/s, end to end, our tokenizer included."""
    count, length, goal = CASES[name]
    program = str(ROOT / "benchmarks" / "peer_programs" / "generate.py")
    commands = {"ours": [sys.executable, "-m", "benchmarks.our_programs.generate"]}
    for library in ("transformers", "ctranslate2"):
        commands[library] = [str(peer_command("python")), program, library]
    seconds: dict[str, list[float]] = {label: [] for label in commands}
    with tempfile.TemporaryDirectory() as folder:
        case = [folder, *map(str, (count, length, NEW, TURNS))]
        for _ in range(PROCESSES):
            for label, command in commands.items():
                done = subprocess.run(
                    [*command, *case], cwd=ROOT, check=True, stdout=subprocess.PIPE
                )
                found = json.loads(done.stdout.splitlines()[-1])
                if found.get("fewest_tokens", NEW) < NEW:
                    raise RuntimeError(f"a row ended early: {found}")
                seconds[label] += found["seconds"]
    speed = {label: count * NEW / statistics.median(times) for label, times in seconds.items()}
    mine = speed.pop("ours")
    peers = {"transformers bf16": "transformers", "CTranslate2 int8": "ctranslate2"}
    yield {
        "name": name,
        "unit": "new tokens/s",
        "better": "higher",
        "ours": round(mine, 1),
        "peers": {label: round(speed[key], 1) for label, key in peers.items()},
        "ratio": round(mine / max(speed.values()), 2),
        "goal": goal,
    }
