"""in-toto Statement v1 with SLSA provenance v1: what signed claims say, without a signature."""

from typing import Any

from pipeline.claims import slsa
from pipeline.lineage.export.exported import ExportedModel


def document(model: ExportedModel) -> dict[str, Any]:
    """The statement about the pushed folder."""
    subject = {"name": model.version, "digest": {"sha256": model.root}}
    return slsa.statement(subject, slsa.PREDICATE_TYPE, slsa.predicate(model.shown))
