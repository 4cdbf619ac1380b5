"""A row in a process of its own, with a limit."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.gpu.rows import Row

_ROOT = Path(__file__).parents[2]
# TensorFlow's libraries may lie where these point, and are not PyTorch's
_OF_TENSORFLOW = ("PYTHONPATH", "LD_LIBRARY_PATH", "XLA_FLAGS")


def run_row(row: Row, python: str, seconds: float, *, small: bool) -> dict[str, Any]:
    """What the row's program prints in its last line, a JSON object, or {"failed": why}."""
    job = {**row.job, **(row.small if small else {})}
    command = [python, "-m", f"benchmarks.gpu.programs.{row.program}", json.dumps(job)]
    variables = dict(os.environ)
    if row.torch:
        variables = {name: v for name, v in variables.items() if name not in _OF_TENSORFLOW}
    began = time.monotonic()
    try:
        done = subprocess.run(
            command, cwd=_ROOT, env=variables, capture_output=True, text=True, timeout=seconds
        )
    except subprocess.TimeoutExpired as error:
        return {"failed": f"ended after {seconds:.0f} s", "output": _tail(error.stderr or b"")}
    took = round(time.monotonic() - began, 1)
    if done.returncode:
        print(_tail(done.stderr, 4000), file=sys.stderr)
        return {"failed": _cause(done.stderr), "seconds": took, "output": _tail(done.stderr, 4000)}
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return {**found, "seconds": took}


def _cause(output: str) -> str:
    """The line that says why: the last one that is not indented."""
    lines = [line for line in output.splitlines() if line and not line.startswith((" ", "\t"))]
    errors = [line for line in lines if "Error" in line]
    return ((errors or lines)[-1] if lines else "no output")[:400]


def _tail(output: str | bytes, size: int = 2000) -> str:
    text = output if isinstance(output, str) else output.decode("utf-8", "replace")
    return text[-size:]
