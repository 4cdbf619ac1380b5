"""The peak memory of a process that trains all weights of a size on rows of 1,024, and writes a checkpoint.

AdamW, and for 1558M Adafactor too, in the low-memory mode. The peer is the limit: less than what the scripts that this
project succeeds asked for (11 GB for 124M, 24 GB for 355M, 48 GB for 774M, and 1558M "not possible").
"""

import os
import sys
from typing import Any

from benchmarks.programs import our_program, run_program
from trainer.config import SIZES
from trainer.host_memory import HUGE_PAGES

GB = 1e9
# size, optimizer -> the limit in GB
LIMITS = {
    ("124M", "adamw"): 3.5,
    ("355M", "adamw"): 7.0,
    ("774M", "adamw"): 12.0,
    ("1558M", "adamw"): 22.0,
    ("1558M", "adafactor"): 11.0,
}
_BLOCKS_IF_SMALL = 36


def measure(name: str) -> list[dict[str, Any]]:
    """The rows of `memory_train_<size>`, for 1558M also `memory_train_1558M_adafactor`."""
    size = name.removeprefix("memory_train_")
    return [
        _row(f"{name}_{optimizer}" if optimizer != "adamw" else name, size, optimizer, limit)
        for (of, optimizer), limit in LIMITS.items()
        if of == size
    ]


def _row(name: str, size: str, optimizer: str, limit: float) -> dict[str, Any]:
    layers = SIZES[size].layers
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / GB
    unit = "GB"
    if machine > 1.1 * limit:
        peak = _peak(size, optimizer, 0)
    else:  # from two depths that fit, each block adding as much as the last
        fewer, more = _BLOCKS_IF_SMALL - 12, _BLOCKS_IF_SMALL
        low, high = _peak(size, optimizer, fewer), _peak(size, optimizer, more)
        peak = high + (high - low) / (more - fewer) * (layers - more)
        unit = f"GB, extrapolated from {fewer} and {more} of {layers} blocks"
    return {
        "name": name,
        "unit": unit,
        "better": "lower",
        "ours": round(peak, 2),
        "peers": {"limit": limit},
        "ratio": round(peak / limit, 3),
        "goal": 1.0,
    }


def _peak(size: str, optimizer: str, layers: int) -> float:
    """The peak in GB."""
    found = run_program(our_program("train_memory", size, optimizer, layers), HUGE_PAGES)
    print(f"{size}, {optimizer}: {found}", file=sys.stderr)
    return float(found["peak"]) / GB
