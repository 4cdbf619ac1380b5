"""What TensorFlow needs to see a GPU, and what of it is missing (no TensorFlow here)."""

import ctypes
import importlib.util
import re
from collections.abc import Callable
from pathlib import Path

# TensorFlow registers no GPU unless all of these load; they come with requirements/gpu.lock.
_LIBRARIES = (
    "libcudart.so.12",
    "libcublas.so.12",
    "libcublasLt.so.12",
    "libcufft.so.11",
    "libcusolver.so.11",
    "libcusparse.so.12",
    "libcudnn.so.9",
)
# the first driver for CUDA 12 (NVIDIA, "CUDA Toolkit Release Notes", table of minor version compatibility)
_OLDEST_DRIVER = (525, 60, 13)
_DRIVER_FILE = Path("/proc/driver/nvidia/version")


def driver_version(path: Path = _DRIVER_FILE) -> tuple[int, ...] | None:
    """The version of NVIDIA's driver in the kernel; None without one."""
    if not path.is_file():
        return None
    found = re.search(r"\s(\d+(?:\.\d+)+)\s", path.read_text(encoding="utf-8"))
    return tuple(map(int, found[1].split("."))) if found else None


def models_of_gpus(folder: Path = _DRIVER_FILE.parent / "gpus") -> list[str]:
    """The names of the GPUs that the driver has, each as often as it is there."""
    texts = [path.read_text(encoding="utf-8") for path in folder.glob("*/information")]
    return sorted(name.strip() for text in texts for name in re.findall(r"(?m)^Model:(.*)$", text))


def missing_for_gpu(
    path: Path = _DRIVER_FILE, loads: Callable[[str], bool] | None = None
) -> list[str]:
    """What keeps TensorFlow from a GPU, a line each with its remedy; empty where nothing is found.

    loads: whether a shared library can be loaded, by default of this process.
    """
    version = driver_version(path)
    if version is None:
        return [
            f"{path}: NVIDIA's driver is not loaded; install it, and see that nvidia-smi answers"
        ]
    faults = []
    if version < _OLDEST_DRIVER:
        shown, oldest = (".".join(map(str, v)) for v in (version, _OLDEST_DRIVER))
        faults.append(f"NVIDIA's driver is {shown}; CUDA 12 needs {oldest} or newer: update it")
    missing = [name for name in _LIBRARIES if not (loads or _loads)(name)]
    if missing:
        faults.append(f"CUDA libraries do not load: {', '.join(missing)}; run `make setup GPU=1`")
    return faults


def _loads(name: str) -> bool:
    """Whether a library is in the packages of gpu.lock, where TensorFlow looks, or on the system's path."""
    try:
        ctypes.CDLL(str(_packaged(name) or name))
    except OSError:
        return False
    return True


def _packaged(name: str) -> Path | None:
    spec = importlib.util.find_spec("nvidia")
    for folder in spec.submodule_search_locations or [] if spec else []:
        for found in Path(folder).glob(f"*/lib/{name}"):
            return found
    return None
