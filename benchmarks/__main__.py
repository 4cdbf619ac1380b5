"""`python -m benchmarks [--only NAME]`: measure, and write the rows into `benchmarks/results.json`."""

import argparse
import json
import os
import platform
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks import noop_run

Row = dict[str, Any]
RESULTS = Path(__file__).parent / "results.json"
BENCHMARKS: dict[str, Callable[[], Row]] = {"noop_run": noop_run.measure}


def main() -> int:
    """Run the chosen benchmarks; rows of the others stay as they are."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    parser.add_argument("--only", choices=BENCHMARKS, help="one benchmark by name")
    only = parser.parse_args().only
    rows = {row["name"]: row for row in _read().get("rows", [])}
    for name in [only] if only else BENCHMARKS:
        print(f"{name} ...", file=sys.stderr)
        rows[name] = BENCHMARKS[name]()
        print(json.dumps(rows[name]))
    results = {"machine": machine(), "rows": [rows[name] for name in sorted(rows)]}
    RESULTS.write_text(json.dumps(results, indent=1) + "\n")
    return 0


def machine() -> dict[str, Any]:
    """The machine, in words."""
    models = [
        line.split(":", 1)[1].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    ]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "processor": models[0] if models else platform.processor(),
        "cores": os.cpu_count(),
        "memory_gib": round(memory / 2**30, 1),
        "system": platform.platform(),
        "python": platform.python_version(),
    }


def _read() -> dict[str, Any]:
    return json.loads(RESULTS.read_text()) if RESULTS.is_file() else {}


if __name__ == "__main__":
    sys.exit(main())
