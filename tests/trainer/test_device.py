"""Where a training computes: chosen before anything is computed, and what it is on which card."""

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import tensorflow as tf

from preprocessing.base import progress
from preprocessing.base.errors import InputError
from trainer import device as device_module
from trainer.device import Attention, Device, choose_device, has_bfloat16
from trainer.options import TrainingOptions


class Card:
    """What TensorFlow lists and is told. capability: of its one GPU; None is no GPU."""

    def __init__(self) -> None:
        self.capability: tuple[int, int] | None = (9, 0)
        self.told: list[tuple[object, ...]] = []
        self.config = SimpleNamespace(
            list_physical_devices=lambda kind: ["GPU:0"] if self.capability else [],
            set_visible_devices=lambda *given: self.told.append(("visible", *given)),
            experimental=SimpleNamespace(
                set_memory_growth=lambda *given: self.told.append(("grows", *given)),
                enable_tensor_float_32_execution=lambda on: self.told.append(("TF32", on)),
                get_device_details=lambda gpu: {
                    "device_name": "Card",
                    "compute_capability": self.capability,
                },
            ),
        )


@pytest.fixture
def card(monkeypatch: pytest.MonkeyPatch) -> Card:
    card = Card()
    monkeypatch.setattr(device_module.tf, "config", card.config)
    return card


@pytest.mark.parametrize(
    ("capability", "options", "precision", "attention", "reason"),
    [
        ((9, 0), {}, "bfloat16", "flash", "9.0 has bfloat16"),
        ((8, 6), {"device": "gpu"}, "bfloat16", "flash", "8.6 has bfloat16"),
        ((8, 0), {}, "bfloat16", "flash", "8.0 has bfloat16"),
        ((8, 0), {"dropout": 0.1}, "bfloat16", "recompute", "8.0 has bfloat16"),
        ((8, 0), {"xla": "off"}, "bfloat16", "plain", "8.0 has bfloat16"),
        ((8, 0), {"precision": "float32"}, "float32", "recompute", "training.precision"),
        ((7, 5), {}, "float16", "recompute", "7.5 has float16 and no bfloat16"),  # T4
        ((7, 0), {}, "float16", "recompute", "7.0 has float16 and no bfloat16"),
        ((7, 0), {"low_memory": True}, "float32", "recompute", "float16 is not for low_memory"),
        ((6, 1), {}, "float32", "recompute", "compute capability 6.1"),
        ((6, 1), {"low_memory": True}, "float32", "recompute", "compute capability 6.1"),
    ],
)
def test_a_card_computes_in_the_half_precision_that_it_has(
    card: Card,
    capability: tuple[int, int],
    options: dict[str, Any],
    precision: str,
    attention: str,
    reason: str,
) -> None:
    card.capability = capability
    device = choose_device(TrainingOptions(**{"precision": "auto"} | options))
    assert (device.kind, device.precision, device.attention) == ("gpu", precision, attention)
    assert device.reason.endswith(reason)
    assert not device.compiles_operations
    assert card.told == [("TF32", False), ("grows", "GPU:0", True)]


def test_a_processor_is_taken_beside_a_card_where_it_is_asked_for(card: Card) -> None:
    device = choose_device(TrainingOptions(device="cpu"))
    assert (device.kind, device.attention) == ("cpu", "plain")
    assert card.told == [("TF32", False), ("visible", [], "GPU")]


@pytest.mark.parametrize(
    ("wanted", "driver", "missing", "told"),
    [
        ("auto", (580, 1), ["no cuBLAS", "no cuDNN"], ["no cuBLAS; no cuDNN"]),
        ("auto", (580, 1), [], ["nothing is missing, so it may be hidden"]),
        ("auto", None, ["no cuBLAS"], []),
        ("cpu", (580, 1), ["no cuBLAS"], []),
    ],
)
def test_a_driver_whose_gpu_tensorflow_does_not_see_is_told_of(
    card: Card,
    monkeypatch: pytest.MonkeyPatch,
    wanted: Any,
    driver: tuple[int, int] | None,
    missing: list[str],
    told: list[str],
) -> None:
    card.capability = None
    monkeypatch.setattr(device_module, "driver_version", lambda: driver)
    monkeypatch.setattr(device_module, "missing_for_gpu", lambda: missing)
    reports: list[dict[str, Any]] = []
    progress.set_sink(reports.append)
    choose_device(TrainingOptions(device=wanted))
    progress.set_sink(None)
    begins = "a GPU's driver is here, and TensorFlow sees no GPU: "
    assert [report["message"] for report in reports] == [begins + text for text in told]


def test_a_gpu_that_is_not_there_is_a_users_mistake() -> None:
    if tf.config.list_physical_devices("GPU"):
        assert choose_device(TrainingOptions(device="gpu")).kind == "gpu"
        return
    with pytest.raises(InputError, match=r"training\.device is gpu"):
        choose_device(TrainingOptions(device="gpu"))


@pytest.mark.parametrize(
    ("flags", "expected"),
    [("fpu avx2 avx512_bf16", True), ("fpu amx_bf16", True), ("fpu avx2 avx512f", False)],
)
def test_bfloat16_is_for_processors_that_have_it(
    tmp_path: Path, flags: str, expected: bool
) -> None:
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text(f"processor\t: 0\nmodel name\t: P\nflags\t\t: {flags}\n")
    assert has_bfloat16(cpuinfo) == expected
    device = choose_device(TrainingOptions(device="cpu", precision="auto"), cpuinfo)
    assert device.precision == ("bfloat16" if expected else "float32")
    assert device.name == "P"
    assert device.reason == f"the processor has {'' if expected else 'no '}bfloat16"


def test_a_processor_that_says_nothing_of_itself_has_a_name_too(tmp_path: Path) -> None:
    device = choose_device(TrainingOptions(device="cpu", precision="auto"), tmp_path / "none")
    assert (device.name, device.precision) == ("CPU", "float32")


def test_a_processor_runs_the_graph_without_xla() -> None:
    device = choose_device(TrainingOptions(device="cpu"))
    assert (device.kind, device.precision, device.xla) == ("cpu", "float32", False)
    assert choose_device(TrainingOptions(device="cpu", xla="on")).xla


@pytest.mark.parametrize(
    ("xla", "compiles_operations", "attention", "how"),
    [
        (True, False, "flash", "XLA and flash attention"),
        (True, False, "recompute", "XLA"),
        (False, True, "plain", "graph mode with compiled operations"),
        (False, False, "plain", "graph mode"),
    ],
)
def test_a_device_says_how_it_computes(
    xla: bool, compiles_operations: bool, attention: Attention, how: str
) -> None:
    device = Device("Card", "gpu", "bfloat16", "", xla, compiles_operations, attention)
    assert str(device) == f"Card, bfloat16, {how}"


_TRAINING = """
import os, sys
from pathlib import Path
import tensorflow as tf
from tensorflow.python.eager import context

listed = tf.config.list_physical_devices
def fixed():
    if context.context()._initialized:
        raise RuntimeError("Physical devices cannot be modified after being initialized")
tf.config.list_physical_devices = lambda kind=None: ["GPU:0"] if kind == "GPU" else listed(kind)
tf.config.experimental.set_memory_growth = lambda gpu, grows: fixed()
tf.config.set_visible_devices = lambda devices, kind: fixed()
tf.config.experimental.get_device_details = lambda gpu: {"device_name": "Card"}

from tests.trainer.fn_args import tiny_fn_args
from trainer import run
run.export = lambda *arguments: print("exported")
# One import for both: a process that has computed nothing can be forked.
device = "auto" if os.fork() else "cpu"
folder = Path(sys.argv[1]) / device
folder.mkdir()
run.train_and_export(tiny_fn_args(folder, device=device))
if device == "auto":
    sys.exit(os.wait()[1])
"""


def test_a_training_chooses_its_device_before_it_reads_anything(tmp_path: Path) -> None:
    """TensorFlow refuses once anything was computed, a file of rows read included."""
    done = subprocess.run(
        [sys.executable, "-c", _TRAINING, str(tmp_path)],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("exported\n") == 2
