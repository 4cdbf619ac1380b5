"""`gpt2-tfx rollback`: let `latest` name an earlier pushed version and keep it there, or let it move again."""

import argparse
import getpass
import os
import socket

from pipeline.config import LoadedConfig
from pipeline.config_reading import load_config
from pipeline.serving_pointer import ServingPointer
from pipeline.store import Store
from serving.versions import Versions


def run(arguments: argparse.Namespace) -> int:
    """Move and pin the pointer, or lift the pin."""
    loaded = load_config(arguments.config, arguments.overrides)
    versions = Versions(loaded.workspace / "serving")
    if arguments.release:
        print(_release(loaded, versions))
    else:
        # Before the store is opened, which would make one where nothing was ever pushed.
        versions.check(arguments.version)
        before = _pointer(loaded, versions).roll_back(arguments.version, _caller())
        print(f"latest: {before or 'none'} -> {arguments.version}")
        print("pinned: runs leave it there until `gpt2-tfx rollback --release`")
    return 0


def _release(loaded: LoadedConfig, versions: Versions) -> str:
    latest = versions.latest() or "none"
    if not versions.names() or not _pointer(loaded, versions).release(_caller()):
        return f"latest: {latest}, which was not pinned"
    return f"latest: {latest}, released: the next run lets it name what it pushes"


def _pointer(loaded: LoadedConfig, versions: Versions) -> ServingPointer:
    return ServingPointer(
        Store(loaded.config.name, loaded.config.store, loaded.workspace), versions
    )


def _caller() -> str:
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # A container's user may have no name.
        user = str(os.getuid())
    return f"{user} on {socket.gethostname()}"
