"""`gpt2-tfx corpus ACTION`: each action has a module of its name here."""

import argparse
import importlib

from pipeline.config_reading import load_config
from pipeline.lineage.workspace import LineageWorkspace


def run(arguments: argparse.Namespace) -> int:
    """Do an action; returns the exit status."""
    place = LineageWorkspace(lambda: load_config(arguments.config, arguments.overrides))
    module = importlib.import_module(f"pipeline.commands.corpus.{arguments.action}")
    status: int = module.run(arguments, place)
    return status
