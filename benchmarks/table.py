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
    """Put the tables of `results` between their marks. Raises ValueError where those are not there.

    The README shows a part of the block that has the most rows.
    """
    blocks = results["blocks"]
    _insert(root / "docs" / "benchmarks.md", "\n".join(table(block) for block in blocks))
    fullest = max(blocks, key=lambda block: len(block["rows"]))
    rows = [row for row in fullest["rows"] if row["name"] in _README]
    _insert(root / "README.md", table({**fullest, "rows": rows}))


def _insert(page: Path, tables: str) -> None:
    text = page.read_text(encoding="utf-8")
    before, mark, rest = text.partition(_BEGIN)
    _, end, after = rest.partition(_END)
    if not mark or not end:
        raise ValueError(f"{page}: no place for the table; put {_BEGIN} and {_END} there")
    page.write_text(f"{before}{_BEGIN}\n\n{tables}\n{_END}{after}", encoding="utf-8")


def table(block: Mapping[str, Any]) -> str:
    """The machine of a block and a Markdown table with a line for each row.

    >>> row = {"name": "noop_run", "unit": "s", "better": "lower", "ours": 0.3, "ratio": 0.6, "goal": 1.0}
    >>> of = {"processor": "P", "family": 6, "model": 7, "flags": ["avx2"], "cores": 2, "memory_gib": 8.0}
    >>> row |= {"peers": {"dvc": 0.5}, "elsewhere": {"make": 0.2}}
    >>> print(table({"machine": of | {"bfloat16_gflops": 400}, "rows": [row]}))
    P (family 6, model 7, avx2), 2 cores, 8.0 GiB, bfloat16 products 400 GFLOP/s
    <BLANKLINE>
    | benchmark | unit | ours | peers | ratio | goal | |
    |---|---|---|---|---|---|---|
    | `noop_run` | s | 0.3 | dvc 0.5 (measured elsewhere: make 0.2) | 0.6 | at most 1.0 | holds |
    <BLANKLINE>
    """
    lines = [
        _machine(block["machine"]),
        "",
        "| benchmark | unit | ours | peers | ratio | goal | |",
        "|---|---|---|---|---|---|---|",
        *map(_line, block["rows"]),
    ]
    return "\n".join(lines) + "\n"


def _machine(machine: Mapping[str, Any]) -> str:
    kind = "family and model not recorded"
    if machine["family"] is not None:
        kind = f"family {machine['family']}, model {machine['model']}, {' '.join(machine['flags'])}"
    return (
        f"{machine['processor']} ({kind}), {machine['cores']} cores, {machine['memory_gib']} GiB, "
        f"bfloat16 products {machine['bfloat16_gflops']} GFLOP/s"
    )


def _line(row: Mapping[str, Any]) -> str:
    peers = _listed(row["peers"])
    # no ratio is made of these
    if elsewhere := row.get("elsewhere"):
        peers += f" (measured elsewhere: {_listed(elsewhere)})"
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


def _listed(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in values.items())
