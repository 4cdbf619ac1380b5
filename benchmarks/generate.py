"""Generation with 124M, top-p 0.9, beside transformers in bfloat16 and CTranslate2 in int8; all weights are random."""

import statistics
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from benchmarks.programs import our_program, peer_program, run_program

NEW, TURNS, PROCESSES = 64, 2, 2
CASES = {"generate_8x512": (8, 512, 1.8), "generate_1x64": (1, 64, 1.2)}


def measure(name: str) -> Iterator[dict[str, Any]]:
    """The row of a case: new tokens/s, end to end, our tokenizer included."""
    count, length, goal = CASES[name]
    seconds: dict[str, list[float]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as folder:
        case = (folder, count, length, NEW, TURNS)
        commands = {"ours": our_program("generate", *case)}
        for library in ("transformers", "ctranslate2"):
            commands[library] = peer_program("generate", library, *case)
        for _ in range(PROCESSES):
            for label, command in commands.items():
                found = run_program(command)
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
