"""The pages that nodes have written of their own work, as a page that lies above them can name them."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import quote

# What an artifact of a type holds for a browser.
_PAGES: Mapping[str, str] = MappingProxyType(
    {
        "CorpusReport": "corpus.html",
        "TokenStatistics": "tokens.html",
        "ModelRun": "training.html",
        "ModelEvaluation": "evaluation.html",
    }
)


def pages_below(artifacts: Iterable[Mapping[str, Any]], folder: Path) -> dict[int, str]:
    """The number of an artifact -> where its page lies from the folder, of those that are below it.

    artifacts: as `lineage show` has them. What lies elsewhere is left out: a name that leads out of a folder leads
    nowhere where the folder is copied.
    """
    top, found = folder.resolve(), {}
    for artifact in artifacts:
        if artifact["type"] not in _PAGES:
            continue
        page = (Path(artifact["uri"]) / _PAGES[artifact["type"]]).resolve()
        if page.is_relative_to(top) and page.is_file():
            found[artifact["id"]] = quote(page.relative_to(top).as_posix())
    return found
