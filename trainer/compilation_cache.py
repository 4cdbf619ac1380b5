"""What XLA compiled, kept for the next process: a training that goes on compiles nothing again.

TensorFlow compares a program with the one that was compiled. What it does not compare names the folder.
The programs are code that is run, so they lie in the user's own cache and not in a workspace, which
may come from elsewhere.
"""

import hashlib
import json
import os
import time
from pathlib import Path

import tensorflow as tf
from google.protobuf.empty_pb2 import Empty
from google.protobuf.message import DecodeError

from preprocessing.base.errors import InputError
from preprocessing.base.staging import make_cache_folder
from trainer.device import processor_flags, processor_name
from trainer.gpu_environment import driver_version, models_of_gpus

_OPTION = "tf_xla_persistent_cache_directory"
_SECONDS_KEPT = 30 * 24 * 3600


def keep_compiled_programs(cpuinfo: Path = Path("/proc/cpuinfo")) -> Path | None:
    """Have XLA read and write programs in the user's cache; returns their folder, None where there is none.

    To be called before TensorFlow is asked for its devices: it looks at the variable once, then. A
    folder that `TF_XLA_FLAGS` names already stays.
    """
    flags = os.environ.get("TF_XLA_FLAGS", "")
    if _OPTION in flags:
        return None
    try:
        folder = make_cache_folder(_cache()) / _name(cpuinfo)
        folder.mkdir(mode=0o700, exist_ok=True)
        _tidy(folder)
    except (InputError, OSError, RuntimeError):  # a read-only system, or no home
        return None
    os.environ["TF_XLA_FLAGS"] = f"{flags} --{_OPTION}={folder}".strip()
    return folder


def _cache() -> Path:
    home = os.environ.get("XDG_CACHE_HOME")
    return (Path(home) if home else Path.home() / ".cache") / "gpt2-tfx" / "xla"


def _name(cpuinfo: Path) -> str:
    """Of all that programs are compiled for: versions, instructions, GPUs, flags."""
    given = [
        tf.__version__,
        processor_name(cpuinfo),
        sorted(processor_flags(cpuinfo)),
        driver_version(),
        models_of_gpus(),
        os.environ.get("XLA_FLAGS"),
        os.environ.get("TF_XLA_FLAGS"),
    ]
    return hashlib.sha256(json.dumps(given).encode()).hexdigest()[:16]


def _tidy(folder: Path) -> None:
    """Remove what is old, and what is not whole since the machine stopped: TensorFlow would fail on it."""
    for entry in folder.iterdir():
        try:
            content = entry.read_bytes()
            Empty.FromString(content)  # of no field, which reads over all
            is_whole = bool(content)
        except DecodeError:
            is_whole = False
        if not is_whole or time.time() - entry.stat().st_mtime > _SECONDS_KEPT:
            entry.unlink(missing_ok=True)
