"""The machine of a measurement: what rows must have in common to stand in one block."""

import os
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.programs import our_program, run_program

# instructions that decide which kernels run
_FLAGS = ("amx_bf16", "avx2", "avx512_bf16", "avx512_fp16", "avx512f", "avx_vnni")
_SAME = ("processor", "family", "model", "flags", "cores", "memory_gib")
_TOKENS = 1024  # rows of the products whose rate is measured


def machine(cpuinfo: Path = Path("/proc/cpuinfo")) -> dict[str, Any]:
    """The processor, cores, memory in GiB, system and Python.

    family, model: the numbers by which a processor's maker tells one kind from another; the name may be
    that of many kinds.
    """
    entries: dict[str, str] = {}
    for line in cpuinfo.read_text(encoding="utf-8").splitlines():
        name, _, value = line.partition(":")
        entries.setdefault(name.strip(), value.strip())
    flags = entries.get("flags", "").split()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "processor": entries.get("model name", platform.processor()),
        "family": _number(entries.get("cpu family")),
        "model": _number(entries.get("model")),
        "flags": [flag for flag in _FLAGS if flag in flags],
        "cores": os.cpu_count(),
        "memory_gib": round(memory / 2**30, 1),
        "system": platform.platform(),
        "python": platform.python_version(),
    }


def bfloat16_rate() -> int:
    """GFLOP/s of TensorFlow's bfloat16 products at the shapes of training 124M, measured now."""
    return round(run_program(our_program("matmul_rate", _TOKENS))["flops_per_second"] / 1e9)


def same_machine(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two machines are of one kind, so that their rows may stand side by side."""
    return all(one[key] == other[key] for key in _SAME)


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.isdecimal() else None
