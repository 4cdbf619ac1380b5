"""`gpt2-tfx erase`: leave records out from now on, and say what they have reached until now."""

import argparse
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pipeline.commands.failure_report import command_line
from pipeline.commands.index_page import refresh_index
from pipeline.config_reading import load_config
from pipeline.erasure.dossier import dossier
from pipeline.erasure.paper import write_dossier
from pipeline.erasure.requests import Erasure, erase
from pipeline.externals import CORPUS
from pipeline.path_checks import missing_paths
from pipeline.progress_display import byte_count
from preprocessing.base.errors import FailureError

_MOST = 10


def run(arguments: argparse.Namespace) -> int:
    """Leave the records out; print, and write, what has become of them."""
    loaded = load_config(
        arguments.config, arguments.overrides, lambda loaded: missing_paths(loaded, [CORPUS])
    )
    erasure = erase(
        loaded,
        arguments.names,
        lambda text: print(text, file=sys.stderr),
        purges=arguments.purge,
    )
    if arguments.purge:
        refresh_index(loaded)
    document = dossier(loaded, erasure)
    if arguments.output is not None:
        _write(arguments.output, document)
    print(as_text(erasure, document, _again(arguments), command_line(arguments)))
    for uri in erasure.reach.not_looked_at:
        print(f"gpt2-tfx: {uri}: its index is gone; it was not looked at", file=sys.stderr)
    return 0


def as_text(erasure: Erasure, document: dict[str, Any], again: str, command: str) -> str:
    """What was done, what had the records, and what is next, for people. again: what writes the dossier later."""
    lines = [
        f"asked    {name}: {_count(len(records), 'record')}"
        for name, records in erasure.reach.records.items()
    ]
    added = f"{len(erasure.added)} added to {erasure.file}" if erasure.added else "they were before"
    lines.append(f"left out from the next run on: {added}")
    if erasure.purged is not None:
        lines.append(
            f"purged   {erasure.purged.items} outputs, caches and logs, "
            f"{byte_count(erasure.purged.freed)} freed"
        )
    lines += _shown(
        [
            f"corpus   {each['uri']} (execution {each['execution']}): {each['records']} of them, "
            f"{each['training']} in its training set"
            for each in document["corpora"]
        ]
    )
    lines += _shown([_model_text(model) for model in document["models"]])
    if not document["models"]:
        lines.append("model    none had them in its training set")
    for copy in erasure.reach.copies[:_MOST]:
        lines.append(f"copy     {copy.id} of {copy.source} has the same document: name it too")
    if document["replacement"] is None:
        lines.append(f"next     `{command} run` makes a model without them, then `{again}`")
    else:
        lines.append(
            f"replaced by version {document['replacement']['version']}, which is free of them"
        )
    return "\n".join(lines)


def _model_text(model: dict[str, Any]) -> str:
    versions = ", ".join(each["version"] for each in model["pushed"])
    pushed = f"pushed as {versions}" if versions else "never pushed"
    return (
        f"model    {model['uri']} (execution {model['execution']}): {model['records']} were in its training set, "
        f"{pushed}"
    )


def _shown(lines: Sequence[str]) -> list[str]:
    more = [f"         and {len(lines) - _MOST} more"] if len(lines) > _MOST else []
    return [*lines[:_MOST], *more]


def _count(count: int, what: str) -> str:
    return f"{count} {what}" + ("" if count == 1 else "s")


def _again(arguments: argparse.Namespace) -> str:
    output = arguments.output or Path("dossier.json")
    return f"{command_line(arguments)} erase {shlex.join([*arguments.names, '-o', str(output)])}"


def _write(path: Path, document: dict[str, Any]) -> None:
    try:
        write_dossier(path, document)
    except OSError as error:
        raise FailureError(
            f"{path}: the dossier cannot be written: {error.strerror}. The records are left out; do the same again "
            "with another -o."
        ) from error
