"""The peak memory of a process that loads an export and continues one prompt, for each size beside its limit."""

import subprocess
import tempfile
from collections.abc import Iterator
from typing import Any

from benchmarks.peers import ROOT
from benchmarks.programs import our_program, run_program

NEW = 64
LIMITS_GB = {"124M": 1.5, "355M": 2.5, "774M": 4.5, "1558M": 8.0}


def measure(name: str) -> Iterator[dict[str, Any]]:
    """A row for each size; the peer is the limit, in units of 10**9 bytes."""
    for size, limit in LIMITS_GB.items():
        with tempfile.TemporaryDirectory() as folder:
            export = our_program("memory_generate", "export", folder, size)
            subprocess.run(export, cwd=ROOT, check=True)
            found = run_program(our_program("memory_generate", "generate", folder, NEW))
        if found["tokens"] < NEW:
            raise RuntimeError(f"the text ended early: {found}")
        peak = found["peak"] / 1e9
        yield {
            "name": f"{name}_{size}",
            "unit": "GB in the process",
            "better": "lower",
            "ours": round(peak, 2),
            "peers": {"limit": limit},
            "ratio": round(peak / limit, 2),
            "goal": 1.0,
        }
