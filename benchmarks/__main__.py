"""`python -m benchmarks [--only NAME]`: measure, keep the rows in `results.json`, make the tables of the pages."""

import argparse
import importlib
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.machine import bfloat16_rate, machine, same_machine
from benchmarks.peers import ROOT
from benchmarks.table import insert_tables

Row = dict[str, Any]
RESULTS = Path(__file__).parent / "results.json"

# Name -> the module whose `measure(name)` gives the row, or several rows if it measures more than one thing.
BENCHMARKS: dict[str, str] = {
    "corpus_one_of_100k": "corpus_one_of_100k",
    "corpus_to_tfrecords": "corpus_to_tfrecords",
    "evaluate_throughput": "evaluate",
    "generate_1x64": "generate",
    "generate_8x512": "generate",
    "generate_coqa_turns": "generate_turns",
    "memory_corpus": "memory_corpus",
    "memory_generate": "memory_generate",
    "memory_train_124M": "memory_train",
    "memory_train_1558M": "memory_train",
    "memory_train_355M": "memory_train",
    "memory_train_774M": "memory_train",
    "noop_run": "noop_run",
    "noop_run_1000_runs": "noop_run",
    "noop_run_10k_files": "noop_run",
    "plan_one_of_100k": "noop_run",
    "records_1M": "lineage",
    "rouge_11k": "rouge",
    "serve_8_clients": "serve",
    "serve_first_token": "serve",
    "shakespeare_loss": "shakespeare",
    "trace_1M": "lineage",
    "train_124M": "train_124m",
    "train_packed": "train_packed",
    "train_packed_target": "train_packed",
    "verify": "lineage",
}


def main() -> int:
    """Run the chosen benchmarks; rows of the others stay as they are, each in the block of its machine."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    parser.add_argument("--only", choices=BENCHMARKS, metavar="NAME", help="one benchmark by name")
    only = parser.parse_args().only
    here = {**machine(), "bfloat16_gflops": bfloat16_rate()}
    for name in [only] if only else BENCHMARKS:
        print(f"{name} ...", file=sys.stderr)
        module = importlib.import_module(f"benchmarks.{BENCHMARKS[name]}")
        for row in module.measure(name):
            print(json.dumps(row))
            # written after each, so that an interrupted call loses one row only
            results = with_row(_read(), here, row)
            RESULTS.write_text(json.dumps(results, indent=1) + "\n")
            insert_tables(ROOT, results)
    return 0


def with_row(results: Mapping[str, Any], here: Mapping[str, Any], row: Row) -> dict[str, Any]:
    """The results with a row in the block of a machine, in place of an earlier one of its name there.

    A block has the machine of its newest row.
    """
    blocks = list(results["blocks"])
    places = [n for n, block in enumerate(blocks) if same_machine(block["machine"], here)]
    rows = blocks[places[0]]["rows"] if places else []
    by_name = {**{kept["name"]: kept for kept in rows}, row["name"]: row}
    block = {"machine": dict(here), "rows": [by_name[name] for name in sorted(by_name)]}
    if places:
        blocks[places[0]] = block
    else:
        blocks.append(block)
    return {"blocks": blocks}


def _read() -> dict[str, Any]:
    return json.loads(RESULTS.read_text()) if RESULTS.is_file() else {"blocks": []}


if __name__ == "__main__":
    sys.exit(main())
