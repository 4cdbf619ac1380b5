"""The loss of next-token prediction over rows of tokens."""

from collections.abc import Callable, Mapping

import tensorflow as tf

from trainer.operations import Operations, cross_entropy


def next_token_log_probabilities(logits: tf.Tensor, input_ids: tf.Tensor) -> tf.Tensor:
    """Log-probability of token i + 1 after the tokens up to i: float32 [B, L - 1].

    logits: [B, L, V] of any float dtype; input_ids: int [B, L].
    """
    return -cross_entropy(logits[:, :-1], input_ids[:, 1:])


def continues(segment_ids: tf.Tensor) -> tf.Tensor:
    """Whether token i + 1 goes on with the segment of token i, not padding: bool [B, L - 1]."""
    following = segment_ids[:, 1:]
    return (following == segment_ids[:, :-1]) & (following > 0)


def counted(loss_mask: tf.Tensor, segment_ids: tf.Tensor) -> tf.Tensor:
    """Whether token i + 1, as a prediction, counts in the loss: bool [B, L - 1].

    Of six tokens in two records, the first out of the loss up to its third token:

        input_ids     a  b  c  d  e  .        (. is padding)
        loss_mask     0  0  1  0  1  0
        segment_ids   1  1  1  2  2  0
        counted       0  1  0  1  0           of b c d e .
    """
    return (loss_mask[:, 1:] > 0) & continues(segment_ids)


def predictions(
    hidden: tf.Tensor, batch: Mapping[str, tf.Tensor], row_counts: int
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Where a prediction counts: hidden vectors [N, W], labels int [N], and float32 [N] ones.

    hidden: [B, L, W]. N is one of at most row_counts numbers, or any where that is 0; what makes it
    up has zeros for ones. Whatever is made of them is made only where a prediction counts: with the
    loss on summaries alone that is a fifth of the tokens, and the logits over 50,257 ids are most of
    the work of a small model.
    """
    chosen = counted(batch["loss_mask"], batch["segment_ids"])
    rows = tf.boolean_mask(hidden[:, :-1], chosen)
    labels = tf.boolean_mask(batch["input_ids"][:, 1:], chosen)
    ones = tf.ones_like(labels, tf.float32)
    if not row_counts:
        return rows, labels, ones
    multiple = (tf.size(chosen) + row_counts - 1) // row_counts
    lacking = [0, -tf.size(labels) % multiple]
    return tf.pad(rows, [lacking, [0, 0]]), tf.pad(labels, [lacking]), tf.pad(ones, [lacking])


def summed_loss(
    logits_of: Callable[[tf.Tensor], tf.Tensor],
    hidden: tf.Tensor,
    batch: Mapping[str, tf.Tensor],
    operations: Operations,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Sum of the cross-entropies (nats) that count, and their number: float32 scalars.

    logits_of: hidden vectors [N, W] to logits [N, V]; hidden: [B, L, W].
    batch: int32 [B, L] by feature name.
    """
    rows, labels, ones = predictions(hidden, batch, operations.row_counts)
    losses = operations.cross_entropy(logits_of(rows), labels)
    return tf.reduce_sum(losses * ones), tf.reduce_sum(ones)
