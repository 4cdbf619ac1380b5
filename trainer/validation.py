"""The loss on the validation rows."""

import math
from collections.abc import Callable

import tensorflow as tf

from trainer.bounds import NO_BOUNDS, Bounds
from trainer.chosen_operations import chosen_operations, chosen_output_layer
from trainer.data import FEATURES, Batch, TokenRows
from trainer.device import Device
from trainer.divergence import REMEDY, TrainingDiverged
from trainer.gpt2 import GPT2
from trainer.loss import summed_loss

LossFunction = Callable[[Batch], tuple[tf.Tensor, tf.Tensor]]


def evaluation_loss(model: GPT2, device: Device, bounds: Bounds = NO_BOUNDS) -> LossFunction:
    """The graph of a batch's loss: batch to (sum of the losses, tokens that count).

    bounds: what holds for every batch that it will be given.
    """
    layer, operations = chosen_output_layer(device, bounds), chosen_operations(device, bounds)

    @tf.function(autograph=False, jit_compile=device.xla or None)
    def loss(batch: Batch) -> tuple[tf.Tensor, tf.Tensor]:
        hidden = model.hidden(
            batch["input_ids"], batch["segment_ids"], batch["positions"], operations
        )
        return summed_loss(hidden, model.output_embedding(), batch, operations, layer)

    return loss


def mean_loss(loss_function: LossFunction, rows: TokenRows, batch_size: int) -> float | None:
    """Mean loss (nats) over every token of the rows that counts; None where none does.

    Raises TrainingDiverged where it is not finite.
    """
    total, count = 0.0, 0.0
    for batch in rows.batches(batch_size):
        batch_total, batch_count = loss_function(
            {name: tf.constant(batch[name]) for name in FEATURES}
        )
        total += float(batch_total)
        count += float(batch_count)
    if not math.isfinite(total):
        raise TrainingDiverged(f"training diverged: the validation loss is {total}; {REMEDY}")
    return total / count if count else None
