"""What XLA compiled is there for the next process, and for no other flags and device."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from trainer import compilation_cache
from trainer.compilation_cache import keep_compiled_programs
from trainer.gpu_environment import models_of_gpus


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The cache of a user who has none yet, and no flags."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("TF_XLA_FLAGS", "")
    return tmp_path / "gpt2-tfx" / "xla"


def folder_of(monkeypatch: pytest.MonkeyPatch, *arguments: Path) -> Path | None:
    monkeypatch.setenv("TF_XLA_FLAGS", "")
    return keep_compiled_programs(*arguments)


def test_programs_lie_in_a_folder_that_is_the_users_own_and_no_backup_takes(cache: Path) -> None:
    folder = keep_compiled_programs()
    assert folder is not None
    assert folder.parent == cache
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (cache / "CACHEDIR.TAG").read_text().startswith("Signature: 8a477f597d28d172")
    assert os.environ["TF_XLA_FLAGS"] == f"--tf_xla_persistent_cache_directory={folder}"


def test_other_devices_and_flags_have_other_programs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = {folder_of(monkeypatch), folder_of(monkeypatch)}
    assert len(found) == 1
    cpuinfo = tmp_path / "cpuinfo"
    for flags in ("avx2", "avx2 avx512f"):
        cpuinfo.write_text(f"model name : A processor\nflags : {flags}\n")
        found.add(folder_of(monkeypatch, cpuinfo))
    monkeypatch.setattr(compilation_cache, "models_of_gpus", lambda: ["A GPU"])
    found.add(folder_of(monkeypatch))
    monkeypatch.setenv("XLA_FLAGS", "--xla_cpu_use_xnnpack=false")
    found.add(folder_of(monkeypatch))
    assert len(found) == 5


def test_gpus_are_known_by_the_names_that_the_driver_gives(tmp_path: Path) -> None:
    for number in range(2):
        (tmp_path / str(number)).mkdir()
        (tmp_path / str(number) / "information").write_text("Model: \t A GPU\nIRQ: 7\n")
    assert models_of_gpus(tmp_path) == ["A GPU", "A GPU"]
    assert models_of_gpus(tmp_path / "none") == []


def test_a_folder_that_the_user_names_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TF_XLA_FLAGS", "--tf_xla_persistent_cache_directory=/elsewhere")
    assert keep_compiled_programs() is None
    assert os.environ["TF_XLA_FLAGS"] == "--tf_xla_persistent_cache_directory=/elsewhere"


def test_without_a_place_nothing_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert keep_compiled_programs() is None
    assert os.environ["TF_XLA_FLAGS"] == ""


def test_a_place_that_cannot_be_had_stops_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    folder = folder_of(monkeypatch)
    folder.rmdir()
    folder.touch()
    monkeypatch.setenv("TF_XLA_FLAGS", "")
    assert keep_compiled_programs() is None

    def no_home() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setattr(Path, "home", no_home)
    assert keep_compiled_programs() is None


def test_the_users_cache_is_in_their_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert folder_of(monkeypatch).parent == tmp_path / ".cache" / "gpt2-tfx" / "xla"


def test_programs_that_are_cut_or_old_are_removed(monkeypatch: pytest.MonkeyPatch) -> None:
    folder = keep_compiled_programs()
    assert folder is not None
    whole = bytes([0x0A, 5]) + b"12345"  # a field of five bytes
    # in whichever order they are listed, one that is cut comes after the whole one
    contents = {"cut": whole[:-1], "whole": whole, "too": whole[:-2], "empty": b"", "old": whole}
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    last_year = time.time() - 365 * 24 * 3600
    os.utime(folder / "old", (last_year, last_year))
    folder_of(monkeypatch)
    assert [path.name for path in folder.iterdir()] == ["whole"]


_PROGRAM = """
import tensorflow as tf
from trainer.compilation_cache import keep_compiled_programs
from trainer.device import choose_device
from trainer.options import TrainingOptions
print(keep_compiled_programs())
choose_device(TrainingOptions())
print(float(tf.function(lambda x: tf.reduce_sum(tf.tanh(x) + 1), jit_compile=True)(tf.ones([99]))))
"""


@pytest.mark.long
def test_a_second_process_compiles_nothing_anew() -> None:
    """What is compiled is written, as a new file in the place of the old."""

    def run() -> tuple[str, dict[str, int]]:
        command = [sys.executable, "-c", _PROGRAM]
        printed = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
        folder, result = printed.split()
        return result, {path.name: path.stat().st_ino for path in Path(folder).iterdir()}

    first = run()
    assert len(first[1]) == 1
    assert run() == first
