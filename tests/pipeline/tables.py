"""Configurations whose node tables the tests look at."""

import dataclasses

from pipeline.config import Config
from pipeline.nodes import Node, node_table


def with_base() -> Config:
    """A configuration that starts from a checkpoint, so that every node is there."""
    config = Config()
    return dataclasses.replace(config, model=dataclasses.replace(config.model, base="checkpoint"))


def node(name: str, config: Config | None = None) -> Node:
    """A node of the table."""
    return next(n for n in node_table(config or Config()) if n.name == name)
