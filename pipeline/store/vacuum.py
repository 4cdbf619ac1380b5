"""Making a store forget what it was told to: what a database no longer says may still lie in its file."""

import sqlite3
from pathlib import Path

from ml_metadata.proto import metadata_store_pb2 as pb

from pipeline.failure import is_full
from preprocessing.base.errors import FailureError


def vacuum(config: pb.ConnectionConfig) -> bool:
    """Write SQLite's file anew, without what was deleted; returns False for a server, which is out of reach.

    Raises FailureError where another process keeps it locked.
    """
    if not config.HasField("sqlite"):
        return False
    path = Path(config.sqlite.filename_uri)
    try:
        database = sqlite3.connect(path, timeout=60)
        try:
            database.execute("VACUUM")
        finally:
            database.close()
    except sqlite3.DatabaseError as error:
        if is_full(error):
            raise
        raise FailureError(
            f"{path}: cannot be written anew without what was erased: {error}. End what uses it and do the same again."
        ) from error
    return True
