"""`gpt2-tfx lineage list`: the pushed versions, each with what it is and when it was served."""

import argparse
from typing import Any

from pipeline import lineage
from pipeline.cli import print_json
from pipeline.commands.lineage.place import LineagePlace, served_json
from pipeline.serving_history import date, pushed_at, serving_events
from preprocessing.base.errors import InputError


def run(arguments: argparse.Namespace, place: LineagePlace) -> int:
    """Print the versions, newest first."""
    events = list(serving_events(place.store, place.versions))
    latest = place.versions.latest()
    models = [
        _described(place, version, latest)
        | {
            "pushed": pushed_at(version, events),
            "served": served_json(version, events),
        }
        for version in reversed(place.versions.names())
    ]
    if arguments.json:
        print_json({"models": models})
    else:
        print(as_text(models))
    return 0


def as_text(models: list[dict[str, Any]]) -> str:
    """A line for each version."""
    if not models:
        return "no version was pushed yet"
    return "\n".join(_line(model) for model in models)


def _line(model: dict[str, Any]) -> str:
    mark = "latest" if model["latest"] else ""
    pushed = "at an unknown time" if model["pushed"] is None else date(model["pushed"])
    if model["digest"] is None:
        return f"{model['model']:>6} {mark:<6} {pushed}  the metadata store does not know it"
    return (
        f"{model['model']:>6} {mark:<6} {pushed}  {model['digest'][:12]}  "
        f"{model['corpus']['task']}, {model['corpus']['records']} records"
    )


def _described(place: LineagePlace, version: str, latest: str | None) -> dict[str, Any]:
    found: dict[str, Any] = {"model": version, "latest": version == latest}
    try:
        shown = lineage.show(place.store, lineage.pushed_artifact(place.store, version))
    except InputError:
        return found | {"digest": None, "corpus": None, "metrics": None}
    return found | {
        "digest": shown["model"]["digest"],
        "corpus": shown["corpus"],
        "metrics": shown["metrics"],
    }
