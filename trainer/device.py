"""Where a process computes: chosen once, before TensorFlow computes anything, and handed to all that does."""

import re
from pathlib import Path
from typing import Any, Literal, NamedTuple

import tensorflow as tf

from preprocessing.base import progress
from preprocessing.base.errors import InputError
from trainer.gpt2 import Precision
from trainer.gpu_environment import driver_version, missing_for_gpu
from trainer.options import TrainingOptions

Attention = Literal["plain", "recompute", "flash"]

_BFLOAT16_FLAGS = {"avx512_bf16", "amx_bf16"}  # of x86 processors; TensorFlow emulates it elsewhere
# compute capabilities from which a GPU has bfloat16 and flash attention, and float16 products
_AMPERE, _VOLTA = (8, 0), (7, 0)


class Device(NamedTuple):
    """What a training runs on.

    name: in words. kind: `cpu` or `gpu`. precision: of the computation, and why it was taken. xla: whether
    the step is compiled by XLA; without, it runs as a graph of TensorFlow's own kernels, but for those
    that `trainer.compiled_operations` replaces where compiles_operations says so.
    attention: `plain` keeps its probabilities for the backward pass, `recompute` computes them again,
    `flash` never has them (see `trainer.attention`).
    """

    name: str
    kind: Literal["cpu", "gpu"]
    precision: Precision
    reason: str
    xla: bool
    compiles_operations: bool
    attention: Attention

    def __str__(self) -> str:
        """Device, precision and compiler, as a user reads it."""
        how = "XLA" if self.xla else "graph mode"
        if self.compiles_operations:
            how += " with compiled operations"
        if self.attention == "flash":
            how += " and flash attention"
        return f"{self.name}, {self.precision}, {how}"


def choose_device(options: TrainingOptions, cpuinfo: Path = Path("/proc/cpuinfo")) -> Device:
    """The device, precision and compiler that the options and this machine give.

    `auto` takes the first GPU, with XLA and the half precision that it has, and lets its memory grow;
    else the processor, in graph mode (TensorFlow's own bfloat16 kernels are several times as fast there
    as XLA's), with bfloat16 only where the processor has it. `device: cpu` hides the GPUs from
    TensorFlow. Products in float32 are exact to float32: TF32 is off.
    To be called before TensorFlow computes or reads anything: after that its devices are fixed.
    Raises InputError where `training.device` is `gpu` and there is none.
    """
    gpus = tf.config.list_physical_devices("GPU")
    if options.device == "gpu" and not gpus:
        raise InputError(
            "training.device is gpu, but TensorFlow finds none; take auto or cpu, or mend this:",
            *(missing_for_gpu() or ["nothing is missing; does CUDA_VISIBLE_DEVICES hide it?"]),
        )
    if not gpus and options.device == "auto" and driver_version():
        missing = "; ".join(missing_for_gpu()) or "nothing is missing, so it may be hidden"
        progress.report(message=f"a GPU's driver is here, and TensorFlow sees no GPU: {missing}")
    tf.config.experimental.enable_tensor_float_32_execution(False)
    if gpus and options.device != "cpu":
        return _gpu(gpus, options)
    if gpus:
        tf.config.set_visible_devices([], "GPU")
    has = has_bfloat16(cpuinfo)
    precision: Precision = "bfloat16" if has else "float32"
    reason = f"the processor has {'' if has else 'no '}bfloat16"
    if options.precision != "auto":
        precision, reason = options.precision, "training.precision"
    return Device(
        name=processor_name(cpuinfo),
        kind="cpu",
        precision=precision,
        reason=reason,
        xla=options.xla == "on",
        compiles_operations=options.xla == "auto",
        attention="plain",
    )


def _gpu(gpus: list[Any], options: TrainingOptions) -> Device:
    for gpu in gpus:
        tf.config.experimental.set_memory_growth(gpu, True)
    details = tf.config.experimental.get_device_details(gpus[0])
    capability = details.get("compute_capability") or (0, 0)
    shown = ".".join(map(str, capability))
    precision: Precision
    if options.precision != "auto":
        precision, reason = options.precision, "training.precision"
    elif capability >= _AMPERE:
        precision, reason = "bfloat16", f"compute capability {shown} has bfloat16"
    elif capability >= _VOLTA and not options.low_memory:
        precision, reason = "float16", f"compute capability {shown} has float16 and no bfloat16"
    else:
        precision, reason = "float32", f"compute capability {shown}"
        if capability >= _VOLTA:
            reason += " has no bfloat16, and float16 is not for low_memory"
    xla = options.xla != "off"
    flash = xla and capability >= _AMPERE and precision != "float32" and not options.dropout
    return Device(
        name=details.get("device_name", "GPU"),
        kind="gpu",
        precision=precision,
        reason=reason,
        xla=xla,
        compiles_operations=False,
        attention="flash" if flash else "recompute" if xla else "plain",
    )


def has_bfloat16(cpuinfo: Path = Path("/proc/cpuinfo")) -> bool:
    """Whether the processor has instructions for bfloat16."""
    return bool(_BFLOAT16_FLAGS & processor_flags(cpuinfo))


def processor_flags(cpuinfo: Path = Path("/proc/cpuinfo")) -> set[str]:
    """The names of the instructions that the processor has."""
    return set(_cpuinfo_entry(cpuinfo, "flags").split())


def processor_name(cpuinfo: Path = Path("/proc/cpuinfo")) -> str:
    """The processor's name for itself."""
    return _cpuinfo_entry(cpuinfo, "model name") or "CPU"


def _cpuinfo_entry(cpuinfo: Path, key: str) -> str:
    """The first entry of this key in a file like /proc/cpuinfo; empty where there is none."""
    text = cpuinfo.read_text(encoding="utf-8") if cpuinfo.is_file() else ""
    found = re.search(rf"(?m)^{key}\s*:(.*)$", text)
    return found[1].strip() if found else ""
