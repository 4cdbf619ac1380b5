"""Which way each operation of a training pass is computed on a device."""

from functools import partial

from trainer.attention import attend_flash, attend_recomputing
from trainer.bounds import Bounds
from trainer.compiled_operations import COMPILED
from trainer.device import Device
from trainer.operations import PLAIN, Operations
from trainer.output_layer import COLUMNS_ON_GPU, OutputLayer

# 823 MB of logits over 50,257 ids in half precision
_PREDICTIONS_ON_GPU = 8192
# 26 and 103 MB, beside one block's activations
_PREDICTIONS_BESIDE_A_BLOCK = {"cpu": 256, "gpu": 1024}


def chosen_operations(device: Device, bounds: Bounds, *, one_block: bool = False) -> Operations:
    """What a pass without dropout is computed with on a device.

    bounds: what holds for every batch. one_block: whether the backward pass holds one block at a time,
    and so one block's probabilities.
    """
    operations = COMPILED if device.compiles_operations or device.xla else PLAIN
    if device.attention == "flash":
        return operations._replace(attend=partial(attend_flash, one_segment=bounds.one_segment))
    if device.attention == "recompute" and not one_block:
        return operations._replace(attend=attend_recomputing)
    return operations


def chosen_output_layer(device: Device, bounds: Bounds, *, one_block: bool = False) -> OutputLayer:
    """How the output layer and its loss are computed on a device; arguments as of `chosen_operations`."""
    on_gpu = device.kind == "gpu"
    at_once = _PREDICTIONS_ON_GPU if on_gpu else None
    if one_block:
        at_once = _PREDICTIONS_BESIDE_A_BLOCK[device.kind]
    # a program knows its shapes: a whole compiled step is one, and so are pieces
    most = bounds.predictions if device.xla or at_once is not None else None
    return OutputLayer(at_once, COLUMNS_ON_GPU if on_gpu else 1, adds_up=on_gpu, most=most)
