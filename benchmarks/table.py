"""The table of results in `docs/benchmarks.md`, and a part of it in the README, each between two marks."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

_BEGIN = "<!-- made by `make bench` from benchmarks/results.json -->"
_END = "<!-- end of the table -->"


# What the README shows.
_README = (
    "corpus_to_tfrecords",
    "generate_1x64",
    "generate_8x512",
    "memory_train_124M",
    "memory_train_1558M_adafactor",
    "noop_run",
    "shakespeare_loss",
    "train_124M",
    "train_packed",
)


def insert_tables(root: Path, results: Mapping[str, Any]) -> None:
    """Put the tables of `results` between their marks. Raises ValueError where those are not there."""
    _insert(root / "docs" / "benchmarks.md", results)
    rows = [row for row in results["rows"] if row["name"] in _README]
    _insert(root / "README.md", {**results, "rows": rows})


def _insert(page: Path, results: Mapping[str, Any]) -> None:
    text = page.read_text(encoding="utf-8")
    before, mark, rest = text.partition(_BEGIN)
    _, end, after = rest.partition(_END)
    if not mark or not end:
        raise ValueError(f"{page}: no place for the table; put {_BEGIN} and {_END} there")
    page.write_text(f"{before}{_BEGIN}\n\n{table(results)}\n{_END}{after}", encoding="utf-8")


def table(results: Mapping[str, Any]) -> str:
    """The machine and a Markdown table with a line for each row.

    >>> row = {"name": "noop_run", "unit": "s", "better": "lower", "ours": 0.3, "ratio": 0.6, "goal": 1.0}
    >>> machine = {"processor": "P", "cores": 2, "memory_gib": 8.0}
    >>> print(table({"machine": machine, "rows": [row | {"peers": {"dvc": 0.5}}]}))
    P, 2 cores, 8.0 GiB
    <BLANKLINE>
    | benchmark | unit | ours | peers | ratio | goal | |
    |---|---|---|---|---|---|---|
    | `noop_run` | s | 0.3 | dvc 0.5 | 0.6 | at most 1.0 | holds |
    <BLANKLINE>
    """
    machine = results["machine"]
    lines = [
        f"{machine['processor']}, {machine['cores']} cores, {machine['memory_gib']} GiB",
        "",
        "| benchmark | unit | ours | peers | ratio | goal | |",
        "|---|---|---|---|---|---|---|",
        *map(_line, results["rows"]),
    ]
    return "\n".join(lines) + "\n"


def _line(row: Mapping[str, Any]) -> str:
    peers = ", ".join(f"{name} {value}" for name, value in row["peers"].items())
    lower = row["better"] == "lower"
    holds = row["ratio"] <= row["goal"] if lower else row["ratio"] >= row["goal"]
    cells = (
        f"`{row['name']}`",
        row["unit"],
        row["ours"],
        peers,
        row["ratio"],
        f"at {'most' if lower else 'least'} {row['goal']}",
        "holds" if holds else "missed",
    )
    return f"| {' | '.join(map(str, cells))} |"
