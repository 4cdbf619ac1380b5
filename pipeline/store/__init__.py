"""The ML Metadata store, as this pipeline reads and writes it (plain ml_metadata: no TFX, no TensorFlow)."""

from pipeline.store.connection import connection_config
from pipeline.store.reading import StoreReader
from pipeline.store.records import (
    Properties,
    Removal,
    ServingEvent,
    StoredArtifact,
    StoredErasure,
    StoredEvent,
    StoredExecution,
    StoredLease,
    StoredRun,
)
from pipeline.store.writing import Store

__all__ = [
    "Properties",
    "Removal",
    "ServingEvent",
    "Store",
    "StoreReader",
    "StoredArtifact",
    "StoredErasure",
    "StoredEvent",
    "StoredExecution",
    "StoredLease",
    "StoredRun",
    "connection_config",
]
