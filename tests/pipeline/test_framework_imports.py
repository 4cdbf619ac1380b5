"""What TensorFlow and TFX are kept from importing."""

import importlib.util
import subprocess
import sys

import pytest

from pipeline.framework_imports import take_tfx_in_parts, tensorflow_left_out

# As the server of nodes begins.
WITHOUT_TENSORFLOW = """
import sys
from pipeline.framework_imports import quiet_tensorflow, take_tfx_in_parts, tensorflow_left_out
quiet_tensorflow()
take_tfx_in_parts()
with tensorflow_left_out():
    import pipeline.launch
from pipeline.graph import import_component
for node in ("CorpusGen", "Tokenizer", "BaseModel", "Attest", "Pusher"):
    import_component(node)
assert "tensorflow" not in sys.modules
"""


def test_the_launcher_comes_without_the_components_that_no_node_is() -> None:
    importlib.import_module("pipeline.launch")
    for name in ("tfx.components.tuner", "tensorflow_model_analysis.evaluators"):
        assert name not in sys.modules


def test_parts_are_found_and_a_package_stays_the_one_that_it_is() -> None:
    package = sys.modules["tfx.components"]
    take_tfx_in_parts()
    assert sys.modules["tfx.components"] is package
    assert importlib.import_module("tfx.components.statistics_gen.component").StatisticsGen


def test_the_launcher_and_nodes_that_compute_nothing_come_without_tensorflow() -> None:
    subprocess.run([sys.executable, "-c", WITHOUT_TENSORFLOW], check=True)


def test_what_is_left_out_is_there_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "tensorflow", raising=False)
    with tensorflow_left_out(), pytest.raises(ModuleNotFoundError):
        importlib.import_module("tensorflow")
    assert importlib.util.find_spec("tensorflow")


def test_nothing_is_left_out_of_a_process_that_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tensorflow", sys)
    with tensorflow_left_out():
        assert importlib.import_module("tensorflow") is sys
    assert sys.modules["tensorflow"] is sys
