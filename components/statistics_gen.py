"""StatisticsGen: TFX's own, on the records."""

from tfx.components.statistics_gen.component import StatisticsGen
from tfx.dsl.components.base.base_node import BaseNode

from components.declared import Declared


def build(declared: Declared) -> BaseNode:
    """The component of the node."""
    return StatisticsGen(examples=declared.inputs["examples"])
