"""`gpt2-tfx lineage graph`: what stands behind a model, as one page for a browser."""

import argparse

from pipeline import lineage
from pipeline.commands.lineage.page_file import write_page
from pipeline.lineage.pages import model_page
from pipeline.lineage.workspace import LineageWorkspace

# Other versions that a page tells of, the champion aside.
_BESIDE = 20


def run(arguments: argparse.Namespace, place: LineageWorkspace) -> int:
    """Write the page, and print its path."""
    shown = place.show(arguments.model)
    version = shown["model"]["version"]
    names = [name for name in place.versions.names()[::-1] if name != version]
    of = [version, *names[:_BESIDE]]
    champion = (shown["decision"] or {}).get("champion")
    if champion and champion["version"] in names[_BESIDE:]:
        of.append(champion["version"])
    models = lineage.pushed_models(place.store, place.versions, of)
    more, folder = 1 + len(names) - len(of), arguments.output.absolute().parent
    write_page(arguments.output, model_page(shown, models, more, place.workspace, folder))
    print(arguments.output)
    return 0
