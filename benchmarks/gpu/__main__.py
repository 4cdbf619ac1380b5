"""`python -m benchmarks.gpu --budget SECONDS`: run the rows in order, print each as it comes, keep them in a file."""

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.gpu.process import run_row
from benchmarks.gpu.rows import ROWS, Row

RESULTS = Path(__file__).parent.parent / "results-gpu.json"


def main(arguments: list[str] | None = None) -> int:
    """Run what there is time for. Exit status 1 where the first row, the device, failed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu")
    parser.add_argument("--budget", type=float, default=600, help="seconds for all rows together")
    parser.add_argument("--only", nargs="*", metavar="ROW", help="these rows alone, in this order")
    parser.add_argument("--results", type=Path, default=RESULTS, help="the JSON file to write")
    parser.add_argument("--small", action="store_true", help="tiny shapes, for a processor")
    parser.add_argument(
        "--torch-python", default=sys.executable, help="the Python that has PyTorch"
    )
    given = parser.parse_args(arguments)
    known = {row.name: row for row in ROWS}
    chosen = [known[name] for name in given.only] if given.only else ROWS
    ends = time.monotonic() + given.budget
    results: dict[str, Any] = {"budget_s": given.budget, "small": given.small, "rows": {}}
    for row in chosen:
        results["rows"][row.name] = found = _run(row, ends, given)
        given.results.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
        print(f"{row.name:28} {_line(found)}", flush=True)
    return 0 if "failed" not in results["rows"].get("device", {}) else 1


def _run(row: Row, ends: float, given: argparse.Namespace) -> dict[str, Any]:
    left = ends - time.monotonic()
    if left < row.least_seconds:
        return {"not_run": f"{left:.0f} s were left of the {row.least_seconds} that it takes"}
    python = given.torch_python if row.torch else sys.executable
    return run_row(row, python, min(row.limit_seconds, left), small=given.small)


def _line(found: dict[str, Any]) -> str:
    shown = {
        name: value
        for name, value in found.items()
        if not isinstance(value, list | dict) and name != "output"
    }
    return "  ".join(f"{name}={_short(value)}" for name, value in shown.items())


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    sys.exit(main())
