"""`gpt2-tfx lineage ACTION`: each action has a module of its name here."""

import argparse
import importlib

from pipeline.commands.lineage.place import LineagePlace
from pipeline.config_reading import load_config


def run(arguments: argparse.Namespace) -> int:
    """Do an action; returns the exit status."""
    place = LineagePlace(lambda: load_config(arguments.config, arguments.overrides))
    module = importlib.import_module(f"pipeline.commands.lineage.{arguments.action}")
    status: int = module.run(arguments, place)
    return status
