"""`gpt2-tfx lineage verify`: whether every file behind a model is what was recorded."""

import argparse
from contextlib import closing
from dataclasses import asdict

from pipeline import lineage
from pipeline.cli import print_json
from pipeline.commands.lineage.place import LineagePlace
from preprocessing.base.job_cache import JobCache


def run(arguments: argparse.Namespace, place: LineagePlace) -> int:
    """Print what differs; the status is 1 where anything does."""
    pushed = place.pushed(arguments.model)
    with closing(JobCache(place.workspace).open_digests(writes=False)) as digests:
        found = lineage.verify(place.loaded, place.store, digests, pushed)
    if arguments.json:
        print_json(
            {
                "ok": found.ok,
                "checked": found.checked,
                "mismatches": [asdict(mismatch) for mismatch in found.mismatches],
                "collected": list(found.collected),
                "unknown": list(found.unknown),
            }
        )
    else:
        print(as_text(found))
    return 0 if found.ok else 1


def as_text(found: lineage.Verification) -> str:
    """The result for people."""
    lines = [
        f"{mismatch.path}: {_what(mismatch.expected, mismatch.actual)}"
        for mismatch in found.mismatches
    ]
    lines += [f"{uri}: collected by gc, so it was not checked" for uri in found.collected]
    lines += [f"not checked: {text}" for text in found.unknown]
    lines.append(
        f"{found.checked} files checked, "
        + ("all are what was recorded" if found.ok else f"{len(found.mismatches)} are not")
    )
    return "\n".join(lines)


def _what(expected: str, actual: str) -> str:
    if not actual:
        return f"missing; {expected} was recorded"
    if not expected:
        return f"does not belong there ({actual})"
    return f"{actual}, where {expected} was recorded"
