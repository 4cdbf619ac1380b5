"""The ML Metadata store, as this pipeline reads and writes it (plain ml_metadata: no TFX, no TensorFlow)."""

from pipeline.store.connection import connection_config
from pipeline.store.records import (
    KEY,
    NODE,
    PIPELINE,
    RUN,
    StoredArtifact,
    StoredExecution,
    StoredRun,
)
from pipeline.store.writing import Store

__all__ = [
    "KEY",
    "NODE",
    "PIPELINE",
    "RUN",
    "Store",
    "StoredArtifact",
    "StoredExecution",
    "StoredRun",
    "connection_config",
]
