"""The table of results in the README, between two marks."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

_BEGIN = "<!-- made by `make bench` from benchmarks/results.json -->"
_END = "<!-- end of the table -->"


def insert_table(readme: Path, results: Mapping[str, Any]) -> None:
    """Put the table of `results` between the marks of `readme`. Raises ValueError where they are not there."""
    text = readme.read_text(encoding="utf-8")
    before, mark, rest = text.partition(_BEGIN)
    _, end, after = rest.partition(_END)
    if not mark or not end:
        raise ValueError(f"{readme}: no place for the table; put {_BEGIN} and {_END} there")
    readme.write_text(f"{before}{_BEGIN}\n\n{table(results)}\n{_END}{after}", encoding="utf-8")


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
