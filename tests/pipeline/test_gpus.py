"""Which nodes use a GPU, and that the lock of its packages is in their keys, and in no other."""

from pathlib import Path

import pytest

from pipeline import gpus, world
from pipeline.code_snapshot import CPU_LOCK, GPU_LOCK
from pipeline.config_reading import load_config
from pipeline.gpus import has_gpu
from pipeline.store import Store
from pipeline.world import PipelineWorld
from tests.pipeline.launches import Launches
from tests.pipeline.tables import node


@pytest.fixture
def drivers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The list of GPUs of a machine that has one."""
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    (tmp_path / "gpus" / "0000:00:1e.0").mkdir(parents=True)
    monkeypatch.setattr(gpus, "_DRIVERS_LIST", tmp_path / "gpus")
    return tmp_path / "gpus"


@pytest.mark.parametrize(
    ("visible", "found"), [(None, True), ("0", True), ("", False), ("-1", False)]
)
def test_a_gpu_is_there_unless_the_environment_hides_it(
    drivers: Path, monkeypatch: pytest.MonkeyPatch, visible: str | None, found: bool
) -> None:
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert has_gpu() is found


def test_none_is_there_without_a_driver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpus, "_DRIVERS_LIST", tmp_path / "none")
    assert not has_gpu()


class TestTheLockOfTheGpu:
    @pytest.fixture
    def locks(self, config_file: Path) -> dict[tuple[str, str], set[str]]:
        """(node, training.device) -> the locks in the node's key, on a machine with a GPU."""
        found = {}
        for device in ("auto", "cpu"):
            loaded = load_config(config_file, [f"training.device={device}"])
            store = Store(loaded.config.name, None, loaded.workspace)
            opened = PipelineWorld(loaded, store)
            for name in ("Tokenizer", "Trainer", "Evaluator"):
                environment = opened.ingredients(node(name), {}).environment
                found[name, device] = set(environment) - {"python"}
            opened.close()
        return found

    @pytest.fixture(autouse=True)
    def with_gpu(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(world, "has_gpu", lambda: True)

    def test_is_in_the_keys_of_what_uses_one(self, locks: dict[tuple[str, str], set[str]]) -> None:
        assert locks["Trainer", "auto"] == locks["Evaluator", "auto"] == {CPU_LOCK, GPU_LOCK}
        assert locks["Tokenizer", "auto"] == {CPU_LOCK}

    def test_is_in_none_where_training_is_for_the_processor(
        self, locks: dict[tuple[str, str], set[str]]
    ) -> None:
        assert locks["Trainer", "cpu"] == locks["Evaluator", "cpu"] == {CPU_LOCK}


def test_a_node_that_is_to_use_none_sees_none(launches: Launches) -> None:
    launches.run("run-1", None, "training.device=cpu")
    for name in ("Trainer", "Evaluator"):
        assert launches.requests[name].environment["CUDA_VISIBLE_DEVICES"] == "-1"
    assert "CUDA_VISIBLE_DEVICES" not in launches.requests["CorpusGen"].environment
