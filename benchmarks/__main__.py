"""`python -m benchmarks [--only NAME]`: measure, keep the rows in `results.json`, make the tables of the pages."""

import argparse
import importlib
import json
import os
import platform
import sys
from pathlib import Path
from typing import Any

from benchmarks.peers import ROOT
from benchmarks.table import insert_tables

Row = dict[str, Any]
RESULTS = Path(__file__).parent / "results.json"

# Name -> the module whose `measure(name)` gives the row, or several rows if it measures more than one thing.
BENCHMARKS: dict[str, str] = {
    "corpus_one_of_100k": "corpus_one_of_100k",
    "corpus_to_tfrecords": "corpus_to_tfrecords",
    "generate_1x64": "generate",
    "generate_8x512": "generate",
    "memory_corpus": "memory_corpus",
    "memory_generate": "memory_generate",
    "memory_train_124M": "memory_train",
    "memory_train_1558M": "memory_train",
    "memory_train_355M": "memory_train",
    "memory_train_774M": "memory_train",
    "noop_run": "noop_run",
    "shakespeare_loss": "shakespeare",
    "train_124M": "train_124m",
    "train_packed": "train_packed",
}


def main() -> int:
    """Run the chosen benchmarks; rows of the others stay as they are, unless they are of another machine."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    parser.add_argument("--only", choices=BENCHMARKS, metavar="NAME", help="one benchmark by name")
    only = parser.parse_args().only
    kept = _read()
    rows = {row["name"]: row for row in kept["rows"]} if kept["machine"] == machine() else {}
    for name in [only] if only else BENCHMARKS:
        print(f"{name} ...", file=sys.stderr)
        module = importlib.import_module(f"benchmarks.{BENCHMARKS[name]}")
        for row in module.measure(name):
            rows[row["name"]] = row
            print(json.dumps(row))
        # written after each, so that an interrupted call loses one benchmark only
        results = {"machine": machine(), "rows": [rows[key] for key in sorted(rows)]}
        RESULTS.write_text(json.dumps(results, indent=1) + "\n")
        insert_tables(ROOT, results)
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
    empty: dict[str, Any] = {"machine": None, "rows": []}
    return json.loads(RESULTS.read_text()) if RESULTS.is_file() else empty


if __name__ == "__main__":
    sys.exit(main())
