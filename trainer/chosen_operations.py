"""Which way each operation of a training pass is computed on a device."""

from functools import partial

from trainer.attention import attend_flash, attend_recomputing
from trainer.compiled_operations import compiled_operations
from trainer.device import Device
from trainer.operations import Dropout, Operations, keep_all
from trainer.output_layer import COLUMNS_ON_GPU, OutputLayer

# 823 MB of logits over 50,257 ids in half precision
_PREDICTIONS_ON_GPU = 8192
# 26 and 103 MB, beside one block's activations
_PREDICTIONS_BESIDE_A_BLOCK = {"cpu": 256, "gpu": 1024}


def chosen_operations(
    device: Device,
    drop: Dropout = keep_all,
    *,
    one_block: bool = False,
    one_segment: bool = False,
) -> Operations:
    """What a pass is computed with on a device.

    one_block: whether the backward pass holds one block at a time, and so one block's probabilities.
    one_segment: as of `trainer.bounds.Bounds`.
    """
    compiles = device.compiles_operations or device.xla
    operations = compiled_operations(drop) if compiles else Operations(drop)
    if device.attention == "flash":
        return operations._replace(attend=partial(attend_flash, one_segment=one_segment))
    if device.attention == "recompute" and not one_block:
        return operations._replace(attend=attend_recomputing)
    return operations


def chosen_output_layer(device: Device, *, one_block: bool = False) -> OutputLayer:
    """How the output layer and its loss are computed on a device; one_block: as of `chosen_operations`."""
    on_gpu = device.kind == "gpu"
    at_once = _PREDICTIONS_ON_GPU if on_gpu else None
    if one_block:
        at_once = _PREDICTIONS_BESIDE_A_BLOCK[device.kind]
    return OutputLayer(at_once, COLUMNS_ON_GPU if on_gpu else 1, adds_up=on_gpu)
