"""Where a training computes: chosen before anything is computed, and what it is on which card."""

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import tensorflow as tf

from preprocessing.base.errors import InputError
from trainer import device as device_module
from trainer.device import Device, choose_device, has_bfloat16
from trainer.options import TrainingOptions


@pytest.fixture
def card(monkeypatch: pytest.MonkeyPatch) -> dict[str, tuple[int, int]]:
    """A GPU in the list of devices, of the compute capability that a test sets."""
    capability = {"is": (9, 0)}
    fake = SimpleNamespace(
        list_physical_devices=lambda kind: ["GPU:0"] if kind == "GPU" else ["CPU:0"],
        set_visible_devices=lambda devices, kind: None,
        experimental=SimpleNamespace(
            set_memory_growth=lambda gpu, grows: None,
            enable_tensor_float_32_execution=lambda on: None,
            get_device_details=lambda gpu: {
                "device_name": "Card",
                "compute_capability": capability["is"],
            },
        ),
    )
    monkeypatch.setattr(device_module.tf, "config", fake)
    return capability


@pytest.mark.parametrize(
    ("capability", "options", "precision", "attention"),
    [
        ((9, 0), TrainingOptions(precision="auto"), "bfloat16", "flash"),
        ((8, 6), TrainingOptions(precision="auto"), "bfloat16", "flash"),
        ((8, 0), TrainingOptions(precision="auto", dropout=0.1), "bfloat16", "recompute"),
        ((8, 0), TrainingOptions(precision="auto", xla="off"), "bfloat16", "plain"),
        ((8, 0), TrainingOptions(), "float32", "recompute"),
        ((7, 5), TrainingOptions(precision="auto"), "float16", "recompute"),  # T4
        (
            (7, 0),
            TrainingOptions(precision="auto", low_memory=True),
            "float32",
            "recompute",
        ),  # V100
        ((6, 1), TrainingOptions(precision="auto"), "float32", "recompute"),
    ],
)
def test_a_card_computes_in_the_half_precision_that_it_has(
    card: dict[str, tuple[int, int]],
    capability: tuple[int, int],
    options: TrainingOptions,
    precision: str,
    attention: str,
) -> None:
    card["is"] = capability
    device = choose_device(options)
    assert (device.kind, device.precision, device.attention) == ("gpu", precision, attention)
    assert device.reason


def test_a_processor_is_taken_beside_a_card_where_it_is_asked_for(
    card: dict[str, tuple[int, int]],
) -> None:
    device = choose_device(TrainingOptions(device="cpu"))
    assert (device.kind, device.attention) == ("cpu", "plain")


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


def test_a_processor_runs_the_graph_without_xla() -> None:
    device = choose_device(TrainingOptions(device="cpu"))
    assert (device.kind, device.precision, device.xla) == ("cpu", "float32", False)
    assert choose_device(TrainingOptions(device="cpu", xla="on")).xla


def test_a_device_says_how_it_computes() -> None:
    device = Device("Card", "gpu", "bfloat16", "", True, False, "flash")
    assert str(device) == "Card, bfloat16, XLA and flash attention"


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
