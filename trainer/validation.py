"""The loss on the validation rows."""

from collections.abc import Callable

import tensorflow as tf

from trainer.data import FEATURES, Batch, TokenRows
from trainer.gpt2 import GPT2
from trainer.loss import summed_loss
from trainer.operations import PLAIN

LossFunction = Callable[[Batch], tuple[tf.Tensor, tf.Tensor]]


def evaluation_loss(model: GPT2) -> LossFunction:
    """The graph of a batch's loss: batch to (sum of the losses, tokens that count)."""

    @tf.function(autograph=False)
    def loss(batch: Batch) -> tuple[tf.Tensor, tf.Tensor]:
        hidden = model.hidden(batch["input_ids"], batch["segment_ids"], batch["positions"])
        return summed_loss(model.logits, hidden, batch, PLAIN)

    return loss


def mean_loss(loss_function: LossFunction, rows: TokenRows, batch_size: int) -> float | None:
    """Mean loss (nats) over every token of the rows that counts; None where none does."""
    total, count = 0.0, 0.0
    for batch in rows.batches(batch_size):
        batch_total, batch_count = loss_function(
            {name: tf.constant(batch[name]) for name in FEATURES}
        )
        total += float(batch_total)
        count += float(batch_count)
    return total / count if count else None
