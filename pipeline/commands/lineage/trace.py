"""`gpt2-tfx lineage trace`: the models and pushed versions that a record has reached."""

import argparse
import os
import re
import sys
from collections.abc import Sequence
from dataclasses import asdict, replace

from pipeline import lineage
from pipeline.cli import print_json, read_stdin
from pipeline.lineage.trace import FEWEST_DIGITS
from pipeline.lineage.workspace import LineageWorkspace
from pipeline.serving_history import date
from preprocessing.base.errors import InputError


def run(arguments: argparse.Namespace, place: LineageWorkspace) -> int:
    """Print what holds a record, or held it before it was erased; the status is 1 where nothing does."""
    found = place.trace(_query(arguments))
    erased = None
    if arguments.record and next(place.store.erasures(), None) is not None:
        found, erased = _with_what_was_erased(found, arguments.record, place)
    if arguments.json:
        print_json(as_json(found, erased))
    else:
        print(as_text(found, erased))
    for uri in found.not_looked_at:
        print(f"gpt2-tfx: {uri}: its index is gone; it was not looked at", file=sys.stderr)
    return 0 if found.examples or erased is not None else 1


def _with_what_was_erased(
    found: lineage.Trace, name: str, place: LineageWorkspace
) -> tuple[lineage.Trace, float | None]:
    """A trace with the models of the requests to erase what is named, and when it was asked for; None if it was not.

    Of what was purged only who has the key can tell.
    """
    # Only where something was erased it is waited for.
    from pipeline.erasure.key import ErasureKey
    from pipeline.erasure.reach import models_of_requests
    from pipeline.erasure.requests import requests_for

    key = ErasureKey.of_environment(os.environ, place.workspace)
    requests = requests_for(place.store, [name], key)
    known = {model.execution for model in found.models}
    models = [
        each for each in models_of_requests(place.store, requests) if each.execution not in known
    ]
    erased = min((request.time for request in requests), default=None)
    return replace(found, models=(*found.models, *models)), erased


def as_json(found: lineage.Trace, erased: float | None) -> dict[str, object]:
    """The document of the command. erased: when it was asked to be, in seconds since the epoch."""
    records = found.records
    return {
        "erased": erased,
        "record": asdict(records[0]) if records else None,
        "records": [asdict(record) for record in records],
        "examples": [
            {
                "uri": each.uri,
                "execution": each.execution,
                "records": [
                    {"id": record.id, "split": record.split, "shard": record.shard}
                    for record in each.found
                ],
            }
            for each in found.examples
        ],
        "models": [
            {
                "uri": model.uri,
                "digest": model.digest,
                "execution": model.execution,
                "records": model.records,
                "rows": list(model.rows),
                "pushed": list(model.pushed),
            }
            for model in found.models
        ],
        "not_looked_at": list(found.not_looked_at),
    }


def as_text(found: lineage.Trace, erased: float | None, most: int = 10) -> str:
    """The trace for people. erased: when it was asked to be, in seconds since the epoch."""
    if not found.examples and erased is None:
        return "no corpus of this workspace holds it"
    lines = [
        f"record   {record.id} of {record.source} at {record.position}, split {record.split}, "
        f"digest {record.digest}"
        for record in found.records[:most]
    ]
    lines += _more(len(found.records), most)
    if erased is not None:
        lines.append(f"erased   asked for on {date(erased)}")
    lines += [
        f"corpus   {each.uri} (execution {each.execution}), {_shards(each.found)}"
        for each in found.examples[:most]
    ]
    lines += _more(len(found.examples), most)
    for model in found.models:
        pushed = f"pushed as {', '.join(model.pushed)}" if model.pushed else "never pushed"
        lines.append(
            f"model    {model.uri} (execution {model.execution}), {model.records} of these in its "
            f"training set, {pushed}"
        )
        if model.rows:
            more = f" and {len(model.rows) - 1} more files" if len(model.rows) > 1 else ""
            lines.append(f"         rows in {model.rows[0]}{more}")
    if not found.models:
        lines.append("model    none had it in its training set")
    return "\n".join(lines)


def _shards(records: Sequence[lineage.FoundRecord]) -> str:
    shards = dict.fromkeys(f"{record.split}/{record.shard}" for record in records)
    return "shards " + ", ".join(list(shards)[:3]) + (" and more" if len(shards) > 3 else "")


def _more(count: int, most: int) -> list[str]:
    return [f"         and {count - most} more"] if count > most else []


def _query(arguments: argparse.Namespace) -> lineage.Query:
    if arguments.text is not None:
        text = read_stdin() if arguments.text == "-" else arguments.text
        if not text.strip():
            raise InputError("--text: there is no text in it; give the text of a document.")
        return lineage.of_text(text)
    if arguments.digest is not None:
        if not re.fullmatch(rf"[0-9a-fA-F]{{{FEWEST_DIGITS},64}}", arguments.digest):
            raise InputError(
                f"--digest {arguments.digest!r}: not {FEWEST_DIGITS} to 64 hexadecimal digits of a SHA-256."
            )
        return lineage.of_digest(arguments.digest)
    if not arguments.record:
        raise InputError("RECORD: it has no name; give an id, or a file of the corpus.")
    return lineage.of_name(arguments.record)
