"""The lineage of models, for programs: each function answers from store and workspace, and writes nothing."""

from pipeline.lineage.comparison import Comparison, diff
from pipeline.lineage.copied import verify_copy
from pipeline.lineage.corpora import FoundRecord
from pipeline.lineage.export import export
from pipeline.lineage.provenance import executions_behind, provenance, pushed_artifact, show
from pipeline.lineage.proving import prove
from pipeline.lineage.pushed import pushed_models, served_json
from pipeline.lineage.rows import push_records
from pipeline.lineage.trace import (
    Query,
    Trace,
    of_digest,
    of_name,
    of_text,
    trace,
    trained_on,
)
from pipeline.lineage.verification import Verification, verify
from pipeline.lineage.workspace import LineageWorkspace, open_workspace

__all__ = [
    "Comparison",
    "FoundRecord",
    "LineageWorkspace",
    "Query",
    "Trace",
    "Verification",
    "diff",
    "executions_behind",
    "export",
    "of_digest",
    "of_name",
    "of_text",
    "open_workspace",
    "prove",
    "provenance",
    "push_records",
    "pushed_artifact",
    "pushed_models",
    "served_json",
    "show",
    "trace",
    "trained_on",
    "verify",
    "verify_copy",
]
