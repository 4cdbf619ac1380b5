"""What TensorFlow and TFX are kept from importing."""

import importlib
import sys

from pipeline.framework_imports import take_tfx_in_parts


def test_the_launcher_comes_without_the_components_that_no_node_is() -> None:
    importlib.import_module("pipeline.launch")
    for name in ("tfx.components.tuner", "tensorflow_model_analysis.evaluators"):
        assert name not in sys.modules


def test_parts_are_found_and_a_package_stays_the_one_that_it_is() -> None:
    package = sys.modules["tfx.components"]
    take_tfx_in_parts()
    assert sys.modules["tfx.components"] is package
    assert importlib.import_module("tfx.components.statistics_gen.component").StatisticsGen
