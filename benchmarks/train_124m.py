"""Training 124M, batch 2 x 512: beside transformers, beside keras-hub, and as a share of TensorFlow's matrix products.

transformers (PyTorch) runs in bfloat16, as autocast and as bfloat16 weights; keras-hub in mixed bfloat16 as a graph and
in float32 with XLA, which on a CPU has no fast bfloat16.
"""

import json
import statistics
from collections.abc import Iterator
from typing import Any

from benchmarks.programs import our_program, peer_program, run_program
from trainer.config import SIZES

BATCH, LENGTH, STEPS, TURNS = 2, 512, 4, 2


def measure(name: str) -> Iterator[dict[str, Any]]:
    """The rows `train_124M`, `train_124M_of_keras_hub` (tokens/s) and `train_124M_of_matmul`."""
    rates: list[float] = []
    seconds: dict[str, list[float]] = {label: [] for label in _commands()}
    for _ in range(TURNS):
        for label, command in _commands().items():
            seconds[label].append(run_program(command)["seconds"])
        rates.append(run_program(our_program("matmul_rate", BATCH * LENGTH))["flops_per_second"])
    speed = {label: BATCH * LENGTH / statistics.median(times) for label, times in seconds.items()}
    mine = speed.pop("ours")
    for library, suffix, goal in (("transformers", "", 2.0), ("keras-hub", "_of_keras_hub", 3.0)):
        peers = {label: value for label, value in speed.items() if label.startswith(library)}
        yield {
            "name": f"{name}{suffix}",
            "unit": "tokens/s",
            "better": "higher",
            "ours": round(mine),
            "peers": {label: round(value) for label, value in peers.items()},
            "ratio": round(mine / max(peers.values()), 2),
            "goal": goal,
        }
    achieved, rate = mine * operations_a_token(LENGTH), statistics.median(rates)
    yield {
        "name": f"{name}_of_matmul",
        "unit": "GFLOP/s",
        "better": "higher",
        "ours": round(achieved / 1e9),
        "peers": {"TensorFlow's bfloat16 products": round(rate / 1e9)},
        "ratio": round(achieved / rate, 2),
        "goal": 0.85,
    }


def operations_a_token(length: int) -> int:
    """Floating-point operations that training needs for a token in rows of a length.

    Forward and backward take 6 for each weight of the blocks and of the output layer (the tied token embedding; its
    look-up takes none), and 12 x layers x length x width for attention's two products over whole rows (Chowdhery et
    al. 2022, https://arxiv.org/abs/2204.02311, appendix B). Norms, softmax, GELU and the optimizer are not counted.
    """
    config = SIZES["124M"]
    positions = config.context * config.width
    attention = 12 * config.layers * length * config.width
    return 6 * (config.parameters - positions) + attention


def _commands() -> dict[str, list[str]]:
    """The programs that print the seconds of a step, by label."""
    commands = {"ours": our_program("train_124m", BATCH, LENGTH, STEPS)}
    for weights in ("autocast", "bfloat16"):
        job = {"batches": [[LENGTH] * BATCH], "steps": STEPS, "weights": weights}
        commands[f"transformers {weights}"] = peer_program("train_transformers", json.dumps(job))
    for label, options in {"bf16": ("mixed_bfloat16", "off"), "XLA": ("float32", "on")}.items():
        command = peer_program("train_keras_hub", BATCH, LENGTH, STEPS, *options)
        commands[f"keras-hub {label}"] = command
    return commands
