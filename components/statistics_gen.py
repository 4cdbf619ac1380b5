"""StatisticsGen: TFX's own, on the records."""

import copy
import glob
import shutil
import tempfile
from typing import Any

from tfx import types
from tfx.components.statistics_gen import executor
from tfx.components.statistics_gen.component import StatisticsGen as StockStatisticsGen
from tfx.dsl.components.base import executor_spec
from tfx.dsl.components.base.base_node import BaseNode
from tfx.types import standard_component_specs

from components.declared import Declared


class LiteralExecutor(executor.Executor):
    """The stock executor for folders whose names look like patterns: it, and Beam's sink, take them for such."""

    def Do(  # noqa: N802 - TFX's name
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """As the stock executor does, which writes into another folder first where it must."""
        examples = copy.deepcopy(input_dict[standard_component_specs.EXAMPLES_KEY])
        for artifact in examples:
            artifact.uri = glob.escape(artifact.uri)
        input_dict = {**input_dict, standard_component_specs.EXAMPLES_KEY: examples}
        (statistics,) = output_dict[standard_component_specs.STATISTICS_KEY]
        place = statistics.uri
        if not glob.has_magic(place):
            super().Do(input_dict, output_dict, exec_properties)
            return
        with tempfile.TemporaryDirectory() as folder:
            statistics.uri = folder
            try:
                super().Do(input_dict, output_dict, exec_properties)
            finally:
                statistics.uri = place
            shutil.copytree(folder, place, dirs_exist_ok=True)


class StatisticsGen(StockStatisticsGen):
    """The stock component with that executor."""

    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(LiteralExecutor)


def build(declared: Declared) -> BaseNode:
    """The component of the node."""
    return StatisticsGen(examples=declared.inputs["examples"])
