"""`gpt2-tfx lineage diff`: what two pushed models differ in."""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from pipeline import lineage
from pipeline.cli import print_json
from pipeline.lineage.workspace import LineageWorkspace

_NAMED = 20


def run(arguments: argparse.Namespace, place: LineageWorkspace) -> int:
    """Print the differences."""
    found = place.diff(arguments.a, arguments.b)
    if arguments.json:
        print_json(as_json(found))
    else:
        print(as_text(found))
    return 0


def _parts(found: lineage.Comparison) -> dict[str, Mapping[str, tuple[Any, Any]]]:
    return {
        "corpus": found.corpus,
        "parameters": found.parameters,
        "code": found.code,
        "environment": found.environment,
        "base_model": found.base_model,
        "scores": found.scores,
    }


def as_json(found: lineage.Comparison) -> dict[str, object]:
    """The document of the command."""
    changes = found.records
    document: dict[str, object] = {
        part: {name: {"a": a, "b": b} for name, (a, b) in values.items()}
        for part, values in _parts(found).items()
    }
    document["paired"] = {
        name: {**asdict(difference), "verdict": difference.verdict}
        for name, difference in found.paired.items()
    }
    document["records"] = changes and {
        "added": list(changes.added),
        "removed": list(changes.removed),
        "changed": list(changes.changed),
    }
    return document


def as_text(found: lineage.Comparison) -> str:
    """The differences for people."""
    lines = []
    if found.records is None:
        lines.append("records: unknown, since an index of a corpus is gone")
    else:
        for kind, ids in (
            ("added", found.records.added),
            ("removed", found.records.removed),
            ("changed", found.records.changed),
        ):
            if ids:
                lines += [f"records {kind}: {len(ids)}", *_listed(ids)]
    for part, values in _parts(found).items():
        if values:
            lines.append(f"{part}:")
            lines += _listed(
                [f"{name}: {_shown(a)} -> {_shown(b)}" for name, (a, b) in values.items()]
            )
    lines += _paired(found)
    return "\n".join(lines) or "they differ in nothing that is recorded"


def _paired(found: lineage.Comparison) -> list[str]:
    """What is shown of scores that changed by texts on the same records."""
    return [
        f"  {name}: {difference.verdict}, {difference.value:+.4f}, 95 % interval {difference.low:+.4f} to "
        f"{difference.high:+.4f}, p {difference.p_bootstrap:.4f}"
        for name, difference in found.paired.items()
        if name in found.scores and difference.low is not None and difference.high is not None
    ]


def _listed(lines: Sequence[str]) -> list[str]:
    more = len(lines) - _NAMED
    return [f"  {line}" for line in lines[:_NAMED]] + ([f"  and {more} more"] if more > 0 else [])


def _shown(value: Any) -> str:
    if isinstance(value, str) and len(value) == 64:
        return value[:12]
    return "none" if value is None else str(value)
