"""What TensorFlow and TFX are kept from importing."""

import importlib
import subprocess
import sys

from pipeline.framework_imports import take_tfx_in_parts
from pipeline.nodes import ALL_NODES

# As the server of nodes begins.
WITHOUT_TENSORFLOW = """
import sys
from pipeline.framework_imports import quiet_tensorflow, take_tfx_in_parts
from serving.refused_imports import imports_refused
quiet_tensorflow()
take_tfx_in_parts()
with imports_refused("tensorflow"):
    import pipeline.launch
from pipeline.graph import import_component
for node in ("CorpusGen", "Tokenizer", "Attest", "Pusher"):
    import_component(node)
assert "tensorflow" not in sys.modules
"""


def test_nodes_come_without_what_none_of_them_uses() -> None:
    for node in ALL_NODES:
        importlib.import_module(node.component)
    for name in ("tfx.components.tuner", "tensorflow_model_analysis.evaluators"):
        assert name not in sys.modules
    # A package that cannot be imported has a name there, and nothing beneath it.
    assert [name for name in sys.modules if name.startswith(("keras.", "tf_keras."))] == []


def test_parts_are_found_and_a_package_stays_the_one_that_it_is() -> None:
    package = sys.modules["tfx.components"]
    take_tfx_in_parts()
    assert sys.modules["tfx.components"] is package
    assert importlib.import_module("tfx.components.statistics_gen.component").StatisticsGen


def test_the_launcher_and_nodes_that_compute_nothing_come_without_tensorflow() -> None:
    subprocess.run([sys.executable, "-c", WITHOUT_TENSORFLOW], check=True)
