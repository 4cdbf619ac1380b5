"""What is missing for a GPU is named, with its remedy."""

from pathlib import Path

from trainer.gpu_environment import driver_version, missing_for_gpu

_TEXT = (
    "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  {}  Release Build\nGCC version:  12\n"
)


def driver(folder: Path, version: str) -> Path:
    path = folder / "version"
    path.write_text(_TEXT.format(version))
    return path


def test_without_a_driver_nothing_else_is_asked(tmp_path: Path) -> None:
    (fault,) = missing_for_gpu(tmp_path / "none", lambda name: False)
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
