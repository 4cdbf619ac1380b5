"""`gpt2-tfx lineage list`: the pushed versions, each with what it is and when it was served."""

import argparse
from typing import Any

from pipeline.cli import print_json
from pipeline.commands.lineage.page_file import write_page
from pipeline.lineage.evaluations import evaluations
from pipeline.lineage.workspace import LineageWorkspace
from pipeline.serving_history import date


def run(arguments: argparse.Namespace, place: LineageWorkspace) -> int:
    """Print the versions, newest first; write the page of them where one is asked for."""
    models = place.models()
    if arguments.output is not None:
        # The templates' library takes a while to import.
        from pipeline.lineage.pages import models_page

        folder = arguments.output.absolute().parent
        name, found = place.loaded.config.name, evaluations(place.store, models)
        write_page(arguments.output, models_page(name, models, found, folder))
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
