"""The energy that a training takes, by the counters that processors and GPUs keep (no TensorFlow here)."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

_POWERCAP = Path("/sys/class/powercap")


class _Counter(NamedTuple):
    """read: joules since some moment. span: where it starts again from 0; 0 for one that does not."""

    what: str
    read: Callable[[], float]
    span: float


class EnergyMeter:
    """Energy over everything here that counts its own.

    On Linux these are RAPL's packages, an Intel or AMD processor without its memory, which root alone may read, and
    NVIDIA's GPUs from Volta on. What else runs on them meanwhile is counted too.
    """

    def __init__(self, gpu: bool, powercap: Path = _POWERCAP) -> None:
        """gpu: whether the training runs on the first GPU."""
        self._counters = [*_packages(powercap), *(_gpus() if gpu else ())]
        self._before = [counter.read() for counter in self._counters]

    @property
    def measures(self) -> list[str]:
        """What is measured, in words."""
        return sorted({counter.what for counter in self._counters})

    def joules(self) -> float | None:
        """What was taken since it was asked before; None where nothing can be read.

        To be asked every few minutes: counters start again.
        """
        before, self._before = self._before, [counter.read() for counter in self._counters]
        taken = [
            now - then + (counter.span if now < then else 0)
            for counter, now, then in zip(self._counters, self._before, before, strict=True)
        ]
        return sum(taken) if taken else None


def _packages(powercap: Path) -> Iterator[_Counter]:
    """The packages of RAPL (Linux, "Power Capping Framework"): counters of microjoules."""
    for folder in powercap.glob("intel-rapl:[0-9]*"):
        # `intel-rapl:0:1` is a part of package 0.
        if folder.name.count(":") > 1:
            continue
        try:
            span = _microjoules(folder / "max_energy_range_uj")
            _microjoules(folder / "energy_uj")
        except (OSError, ValueError):
            continue
        yield _Counter("processor", partial(_microjoules, folder / "energy_uj"), span)


def _microjoules(file: Path) -> float:
    return int(file.read_text(encoding="ascii")) / 1e6


def _gpus() -> Iterator[_Counter]:
    import pynvml

    try:
        pynvml.nvmlInit()
        handle = pynvml.nvmlDeviceGetHandleByIndex(0)
        pynvml.nvmlDeviceGetTotalEnergyConsumption(handle)
    except pynvml.NVMLError:
        return
    millijoules = pynvml.nvmlDeviceGetTotalEnergyConsumption
    yield _Counter("GPU", lambda: millijoules(handle) / 1e3, 0.0)
