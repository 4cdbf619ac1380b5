"""How the metadata store is reached: SQLite in the workspace, or the database of a URL."""

from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import ml_metadata
from ml_metadata import errors
from ml_metadata.proto import metadata_store_pb2 as pb

from pipeline.environment_values import expanded
from pipeline.file_systems import network_file_system
from preprocessing.base.errors import InputError
from preprocessing.base.staging import make_folder

_ConnectionConfig: Any = pb.ConnectionConfig


def address(config: pb.ConnectionConfig) -> str:
    """Where a store is, for messages: without user and password."""
    if config.HasField("fake_database"):
        return "memory"
    if config.HasField("sqlite"):
        return config.sqlite.filename_uri
    if config.HasField("postgresql"):
        return f"{config.postgresql.host}:{config.postgresql.port}/{config.postgresql.dbname}"
    return f"{config.mysql.host}:{config.mysql.port}/{config.mysql.database}"


def connection_config(
    url: str | None, workspace: Path, read_only: bool = False
) -> pb.ConnectionConfig:
    """How to reach the store: SQLite in the workspace, or the database of a URL.

    read_only: a file is not made and not written to; where there is none yet, an empty store in memory stands for it.
    `$NAME` in a URL is taken from the environment as it is (a password needs no quoting there). A relative path
    after `sqlite:///` starts from the workspace. Raises InputError for an unset variable, for a URL that is broken or
    has no user or database, and for a file on a network file system that is to be written.
    """
    config = _ConnectionConfig()
    if url is None or url.startswith("sqlite:///"):
        path = (
            workspace / "metadata.sqlite" if url is None else workspace / url[len("sqlite:///") :]
        )
        # An empty file is what is left of a process that died as it made the store.
        if read_only and not (path.is_file() and path.stat().st_size):
            config.fake_database.SetInParent()
            return config
        modes = pb.SqliteMetadataSourceConfig
        if not read_only:
            _require_local(path)
            make_folder(path.parent)
        config.sqlite.filename_uri = str(path)
        config.sqlite.connection_mode = modes.READONLY if read_only else modes.READWRITE_OPENCREATE
        return config
    parts = urlsplit(expanded("store", url, lambda value: quote(value, safe=":")))
    database = unquote(parts.path.lstrip("/"))
    try:
        port = parts.port
    except ValueError:
        raise InputError(f"store: {url!r}: the port is not a number.") from None
    if not parts.username or not database:
        # The client of PostgreSQL ends the process where one is missing.
        raise InputError(
            f"store: {url!r}: names no {'database' if parts.username else 'user'}; write it as "
            "postgresql://user:$STORE_PASSWORD@host/database."
        )
    if parts.scheme == "postgresql":
        config.postgresql.host = parts.hostname or "127.0.0.1"
        config.postgresql.port = str(port or 5432)
        config.postgresql.user = unquote(parts.username or "")
        config.postgresql.password = unquote(parts.password or "")
        config.postgresql.dbname = database
    else:
        config.mysql.host = parts.hostname or "127.0.0.1"
        config.mysql.port = port or 3306
        config.mysql.user = unquote(parts.username or "")
        config.mysql.password = unquote(parts.password or "")
        config.mysql.database = database
    return config


def require_exact_names(store: ml_metadata.MetadataStore, config: pb.ConnectionConfig) -> None:
    """Raise InputError for a MariaDB or MySQL that takes capitals for small letters, as they do by default."""
    if not config.HasField("mysql"):
        return
    try:
        # ML Metadata has a type `mlmd.Dataset` in every store.
        store.get_artifact_type("MLMD.DATASET")
    except errors.NotFoundError:
        return
    raise InputError(
        f"store: the database at {address(config)} takes capitals for small letters, so two names could be one. Make "
        "it anew with CREATE DATABASE ... CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin (MySQL: utf8mb4_0900_bin)."
    )


def _require_local(database: Path) -> None:
    kind = network_file_system(database)
    if kind is not None:
        raise InputError(
            f"store: {database} lies on a network file system ({kind}), where SQLite cannot rely on locks and two "
            "processes can damage it. Set `store` to a PostgreSQL, such as "
            "postgresql://user:$STORE_PASSWORD@host/database; the workspace may stay where it is."
        )
