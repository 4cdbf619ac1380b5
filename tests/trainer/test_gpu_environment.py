"""What is missing for a GPU is named, with its remedy."""

import _ctypes
from pathlib import Path

import pytest

from trainer import gpu_environment
from trainer.gpu_environment import _LIBRARIES, driver_version, missing_for_gpu

_TEXT = (
    "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  {}  Release Build\nGCC version:  12\n"
)


def driver(folder: Path, version: str) -> Path:
    path = folder / "version"
    path.write_text(_TEXT.format(version))
    return path


def test_without_a_driver_nothing_else_is_asked(tmp_path: Path) -> None:
    for path in (tmp_path / "none", driver(tmp_path, "of no number")):
        (fault,) = missing_for_gpu(path, lambda name: False)
        assert "driver is not loaded" in fault


def test_an_old_driver_and_missing_libraries_are_named_together(tmp_path: Path) -> None:
    path = driver(tmp_path, "470.82.01")
    assert driver_version(path) == (470, 82, 1)
    old, libraries = missing_for_gpu(path, lambda name: not name.startswith("libcudnn"))
    assert "470.82.1" in old
    assert "525.60.13" in old
    assert "libcudnn.so.9; run `make setup GPU=1`" in libraries


def test_nothing_is_missing_where_all_of_it_is_there(tmp_path: Path) -> None:
    assert missing_for_gpu(driver(tmp_path, "580.159.04"), lambda name: True) == []


def test_libraries_are_looked_for_in_the_packages_of_nvidia(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number, name in enumerate(_LIBRARIES):
        folder = tmp_path / "nvidia" / f"part{number}" / "lib"
        folder.mkdir(parents=True)
        (folder / name).symlink_to(_ctypes.__file__)
    monkeypatch.syspath_prepend(str(tmp_path))
    damaged = next(tmp_path.glob("*/*/lib/libcufft.so.11"))
    damaged.unlink()
    damaged.write_text("no library")
    (fault,) = missing_for_gpu(driver(tmp_path, "580.1"))
    assert fault.startswith("CUDA libraries do not load: libcufft.so.11;")
    damaged.unlink()
    damaged.symlink_to(_ctypes.__file__)
    assert missing_for_gpu(driver(tmp_path, "580.1")) == []


def test_libraries_of_the_system_are_found_without_the_packages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gpu_environment.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(gpu_environment, "_LIBRARIES", ("libc.so.6",))
    assert missing_for_gpu(driver(tmp_path, "580.1")) == []
