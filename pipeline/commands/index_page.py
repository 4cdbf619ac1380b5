"""The page at the top of a workspace that leads to its pushed versions and to all its evaluations."""

from contextlib import suppress

from pipeline.config import LoadedConfig
from pipeline.nodes import INDEX_PAGE
from preprocessing.base.errors import FailureError
from preprocessing.base.staging import write_whole


def write_index(loaded: LoadedConfig) -> None:
    """Write the page anew. All of it is in the store, so where it cannot be written nothing is lost."""
    # A run with nothing to do need not wait for all that lineage can answer.
    from pipeline.lineage.evaluations import evaluations
    from pipeline.lineage.pages import models_page
    from pipeline.lineage.workspace import LineageWorkspace

    place = LineageWorkspace(lambda: loaded)
    with suppress(OSError, FailureError):
        models = place.models()
        found = evaluations(place.store, models)
        page = models_page(loaded.config.name, models, found, loaded.workspace)
        write_whole(loaded.workspace / INDEX_PAGE, page.encode())


def refresh_index(loaded: LoadedConfig) -> None:
    """Write the page anew where a run has written it: it leads to nothing that is gone."""
    if (loaded.workspace / INDEX_PAGE).exists():
        write_index(loaded)
