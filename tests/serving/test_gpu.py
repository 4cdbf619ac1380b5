"""What is set before a model is loaded where there is a GPU."""

import subprocess
import sys
from pathlib import Path

import pytest
import tensorflow as tf

from serving import gpu
from serving.gpu import ready_gpu
from trainer import compilation_cache


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was done in their order: programs kept, devices asked for, of which there is a GPU."""
    done: list[str] = []
    monkeypatch.setattr(compilation_cache, "keep_compiled_programs", lambda: done.append("kept"))

    def devices(kind: str) -> list[str]:
        done.append("asked")
        return [kind]

    monkeypatch.setattr(tf.config, "get_visible_devices", devices)
    return done


def test_programs_are_kept_before_tensorflow_is_asked_for_its_devices(
    kept: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gpu, "driver_version", lambda: (580, 65))
    assert ready_gpu()
    assert kept == ["kept", "asked"]
    assert not tf.config.experimental.tensor_float_32_execution_enabled()


def test_without_a_driver_no_program_is_kept(
    kept: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gpu, "driver_version", lambda: None)
    ready_gpu()
    assert kept == ["asked"]


_PROGRAM = """
import sys
from pathlib import Path
from serving import gpu, model
gpu.driver_version = lambda: (580, 65)
model.ready_gpu = lambda: gpu.ready_gpu() or True
loaded = model.load_model(Path(sys.argv[1]), "bytes")
texts = loaded.generate(["ab" * (n % 7) for n in range(20)], max_new_tokens=18, seed=1)
print(hash(tuple(text.text for text in texts)))
"""


@pytest.mark.long
def test_a_second_process_compiles_no_group_anew(
    saved_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is compiled is written, as a new file in the place of the old."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("TF_XLA_FLAGS", "")
    monkeypatch.setenv("PYTHONHASHSEED", "0")

    def run() -> tuple[str, dict[str, int]]:
        command = [sys.executable, "-c", _PROGRAM, str(saved_model)]
        printed = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
        return printed, {path.name: path.stat().st_ino for path in tmp_path.rglob("*.pb")}

    first = run()
    assert len(first[1]) == 2
    assert run() == first
