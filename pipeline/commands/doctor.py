"""`gpt2-tfx doctor`: what this machine computes with, and whether it does."""

import argparse
import os
import platform
import subprocess
from importlib.metadata import version
from typing import Any

from pipeline.cli import print_json
from pipeline.code_snapshot import CPU_LOCK, GPU_LOCK, read_snapshot
from pipeline.config_reading import load_config
from pipeline.framework_imports import quiet_tensorflow
from pipeline.node_process import output_set_aside
from preprocessing.base.memory import machine_memory

_PACKAGES = ("tensorflow", "tfx", "apache-beam", "ml-metadata", "numpy")


def run(arguments: argparse.Namespace) -> int:
    """Print device, precision and why, memory, locks, versions, and the result of a short training.

    Exit status 1 where the training did not learn.
    """
    loaded = load_config(arguments.config, arguments.overrides)
    quiet_tensorflow()
    with output_set_aside():
        from pipeline.self_test import self_test
        from trainer.device import choose_device
        from trainer.gpu_environment import missing_for_gpu

        device = choose_device(loaded.config.training)
        tested = self_test(device)
    snapshot = read_snapshot()
    locks = {name: snapshot.digests[name] for name in (CPU_LOCK, GPU_LOCK)}
    found: dict[str, Any] = {
        "device": device.name,
        "kind": device.kind,
        "computes": str(device),
        "precision": device.precision,
        "precision_because": device.reason,
        "missing_for_gpu": [] if device.kind == "gpu" else missing_for_gpu(),
        "memory_gib": round(machine_memory() / 2**30, 1),
        "gpu_memory_gib": _gpu_memory() if device.kind == "gpu" else None,
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "packages": {name: version(name) for name in _PACKAGES},
        "commit": snapshot.commit,
        "locks": locks,
        "self_test": {**tested._asdict(), "passed": tested.passed},
    }
    if arguments.json:
        print_json(found)
    else:
        print(_text(found))
    return 0 if tested.passed else 1


def _text(found: dict[str, Any]) -> str:
    tested = found["self_test"]
    gpu_memory = f", {found['gpu_memory_gib']} GiB on the GPU" if found["gpu_memory_gib"] else ""
    lines = [
        f"computes    {found['computes']}",
        f"precision   {found['precision']}: {found['precision_because']}",
        *(f"no GPU      {fault}" for fault in found["missing_for_gpu"]),
        f"memory      {found['memory_gib']} GiB{gpu_memory}, {found['cores']} cores",
        f"versions    Python {found['python']}, "
        + ", ".join(f"{name} {number}" for name, number in found["packages"].items()),
        f"commit      {found['commit'] or 'not known'}",
        *(f"lock        {name} {digest[:12]}" for name, digest in found["locks"].items()),
        f"self-test   {'passed' if tested['passed'] else 'FAILED'}: loss {tested['first_loss']:.2f} -> "
        f"{tested['last_loss']:.2f} in {tested['seconds']:.1f} s",
    ]
    return "\n".join(lines)


def _gpu_memory() -> float | None:
    """The card's memory as the driver tells it; of one that shares the processor's it tells none."""
    command = ["nvidia-smi", "--query-gpu=memory.total", "--format=csv,noheader,nounits"]
    try:
        told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        return round(float(told.splitlines()[0]) / 1024, 1)
    except (OSError, subprocess.CalledProcessError, LookupError, ValueError):
        return None
