"""Where a training computes, and in which precision."""

from pathlib import Path
from typing import NamedTuple

import tensorflow as tf

from preprocessing.errors import InputError
from trainer.gpt2 import Precision
from trainer.options import TrainingOptions

_BFLOAT16_FLAGS = {"avx512_bf16", "amx_bf16"}  # of x86 processors; TensorFlow emulates it elsewhere


class Device(NamedTuple):
    """What a training runs on.

    name: in words. kind: `cpu` or `gpu`. precision: of the computation. xla: whether the step is
    compiled by XLA; without, it runs as a graph of TensorFlow's own kernels, but for those that
    `trainer.compiled_operations` replaces where compiles_operations says so.
    """

    name: str
    kind: str
    precision: Precision
    xla: bool
    compiles_operations: bool

    def __str__(self) -> str:
        """Device, precision and compiler, as a user reads it."""
        return f"{self.name}, {self.precision}, {'XLA' if self.xla else 'graph mode'}"


def choose_device(options: TrainingOptions) -> Device:
    """The device, precision and compiler that the options and this machine give.

    `auto` takes the first GPU, with XLA and bfloat16, and lets its memory grow; else the processor,
    in graph mode (TensorFlow's own bfloat16 kernels are several times as fast there as XLA's), with
    bfloat16 only where the processor has it. `device: cpu` hides the GPUs from TensorFlow.
    Raises InputError where `training.device` is `gpu` and there is none.
    """
    gpus = tf.config.list_physical_devices("GPU")
    if options.device == "gpu" and not gpus:
        raise InputError(
            "training.device is gpu, but TensorFlow finds none; take auto or cpu, or see that "
            "nvidia-smi lists the GPU and `make setup GPU=1` was run"
        )
    use_gpu = bool(gpus) and options.device != "cpu"
    if use_gpu:
        name = tf.config.experimental.get_device_details(gpus[0]).get("device_name", "GPU")
        _let_memory_grow(gpus)
    else:
        name = processor_name()
        if gpus:
            tf.config.set_visible_devices([], "GPU")
    precision: Precision
    if options.precision != "auto":
        precision = options.precision
    else:
        precision = "bfloat16" if use_gpu or has_bfloat16() else "float32"
    xla = use_gpu if options.xla == "auto" else options.xla == "on"
    compiles_operations = not use_gpu and options.xla == "auto"
    return Device(name, "gpu" if use_gpu else "cpu", precision, xla, compiles_operations)


def has_bfloat16(cpuinfo: Path = Path("/proc/cpuinfo")) -> bool:
    """Whether the processor has instructions for bfloat16."""
    return bool(_BFLOAT16_FLAGS & set(_cpuinfo_entry(cpuinfo, "flags").split()))


def processor_name(cpuinfo: Path = Path("/proc/cpuinfo")) -> str:
    """The processor's name for itself."""
    return _cpuinfo_entry(cpuinfo, "model name") or "CPU"


def _cpuinfo_entry(cpuinfo: Path, key: str) -> str:
    """The first entry of this key in a file like /proc/cpuinfo; empty where there is none."""
    if not cpuinfo.is_file():
        return ""
    for line in cpuinfo.read_text(encoding="utf-8").splitlines():
        name, _, value = line.partition(":")
        if name.strip() == key:
            return value.strip()
    return ""


def _let_memory_grow(gpus: list[tf.config.PhysicalDevice]) -> None:
    """Have TensorFlow take a GPU's memory as it needs it, not all at once."""
    for gpu in gpus:
        tf.config.experimental.set_memory_growth(gpu, True)
