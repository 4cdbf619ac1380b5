"""`gpt2-tfx rollback`: point serving at an earlier pushed version."""

import argparse

from pipeline.config_reading import load_config
from serving.versions import Versions


def run(arguments: argparse.Namespace) -> int:
    """Move the pointer; the next `run` whose blessed model is another one moves it again."""
    loaded = load_config(arguments.config, arguments.overrides)
    versions = Versions(loaded.workspace / "serving")
    before = versions.latest()
    versions.point(arguments.version)
    print(f"latest: {before or 'none'} -> {arguments.version}")
    return 0
