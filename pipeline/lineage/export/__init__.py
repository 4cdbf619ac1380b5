"""What stands behind a model, in the formats of others: a module for each, pure functions of an `ExportedModel`."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pipeline.lineage.export import croissant, cyclonedx, eu_summary, intoto, openlineage
from pipeline.lineage.export.exported import ExportedModel, exported_model
from pipeline.manifests import Manifests
from pipeline.store import StoredArtifact, StoreReader

__all__ = ["FORMATS", "ExportedModel", "export", "exported_model"]


def _json(document: Mapping[str, Any]) -> str:
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def _json_lines(model: ExportedModel) -> str:
    """An event a line, as clients of OpenLineage write and read files of them."""
    events = openlineage.events(model)
    return "".join(json.dumps(event, ensure_ascii=False) + "\n" for event in events)


# Format -> the text of its document: the same model, the same text.
FORMATS: Mapping[str, Callable[[ExportedModel], str]] = {
    "intoto": lambda model: _json(intoto.document(model)),
    "openlineage": _json_lines,
    "cyclonedx": lambda model: _json(cyclonedx.document(model)),
    "croissant": lambda model: _json(croissant.document(model)),
    "eu-summary": eu_summary.text,
}


def export(
    store: StoreReader,
    workspace: Path,
    manifests: Manifests,
    pushed: StoredArtifact,
    format_name: str,
) -> str:
    """What stands behind a pushed model of a workspace, as the document of a format of `FORMATS`.

    Raises InputError where the workspace has lost what the format needs.
    """
    return FORMATS[format_name](exported_model(store, workspace, manifests, pushed))
