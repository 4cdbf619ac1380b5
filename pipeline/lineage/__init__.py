"""The lineage of models, for programs: each function answers from store and workspace, and writes nothing."""

from pipeline.lineage.provenance import executions_behind, provenance, pushed_artifact, show

__all__ = ["executions_behind", "provenance", "pushed_artifact", "show"]
