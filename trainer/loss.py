"""The loss of next-token prediction over rows of tokens."""

from collections.abc import Mapping

import tensorflow as tf

from trainer.data import in_loss
from trainer.operations import Operations
from trainer.output_layer import WHOLE, OutputLayer, Predictions

_MULTIPLE = 64  # of rows, which products like
_SHARES = 16


def counted_tokens(batch: Mapping[str, tf.Tensor]) -> tf.Tensor:
    """How many predictions of a batch count: float32."""
    return tf.reduce_sum(tf.cast(in_loss(batch["loss_mask"], batch["segment_ids"]), tf.float32))


def predictions(hidden: tf.Tensor, batch: Mapping[str, tf.Tensor], most: int | None) -> Predictions:
    """Where a prediction counts: its hidden vector and its label, weighed by 1.

    hidden: [B, L, W]. N is `most`, no less than what counts in the batch, rounded up, or B x L where
    that is less: a number that a compiler knows. Where it is None, N is what counts, rounded up to a
    sixteenth of the batch, for each of which an operation may be compiled. What makes it up weighs 0.
    Whatever is made of them is made only where a prediction counts: with the loss on summaries alone
    that is a fifth of the tokens, and the logits over 50,257 ids are most of the work of a small model.
    """
    length, width = hidden.shape[1:]
    chosen = tf.pad(in_loss(batch["loss_mask"], batch["segment_ids"]), [[0, 0], [0, 1]])
    labels = tf.pad(batch["input_ids"][:, 1:], [[0, 0], [0, 1]])
    flat, labels = tf.reshape(hidden, [-1, width]), tf.reshape(labels, [-1])
    chosen = tf.reshape(chosen, [-1])
    size = tf.size(chosen) if hidden.shape[0] is None else hidden.shape[0] * length
    if most is None:
        share = -(-size // _SHARES)
        most = -(-tf.reduce_sum(tf.cast(chosen, tf.int32)) // share) * share
    elif most >= size:
        return Predictions(flat, labels, tf.cast(chosen, tf.float32))
    else:
        most = max(1, -(-most // _MULTIPLE)) * _MULTIPLE
    numbers = tf.where(
        chosen, tf.cumsum(tf.cast(chosen, tf.int32)) - 1, most
    )  # its number among them
    # one slot more, for all that do not count
    places = tf.scatter_nd(numbers[:, tf.newaxis], 1 + tf.range(size), [most + 1])[:most] - 1
    weights = tf.cast(places >= 0, tf.float32)
    places = tf.maximum(places, 0)
    return Predictions(_gathered(flat, places, numbers), tf.gather(labels, places), weights)


def _gathered(rows: tf.Tensor, places: tf.Tensor, numbers: tf.Tensor) -> tf.Tensor:
    """Rows [M, W] at places int [N]; numbers int [M] say which of the N a row became, N where none.

    Its gradient is gathered too, where TensorFlow's would add into zeros.
    """

    @tf.custom_gradient
    def gathered(rows: tf.Tensor) -> tuple[tf.Tensor, object]:
        def gradient(upstream: tf.Tensor) -> tf.Tensor:
            return tf.gather(tf.pad(upstream, [[0, 1], [0, 0]]), numbers)

        return tf.gather(rows, places), gradient

    return gathered(rows)


def summed_loss(
    hidden: tf.Tensor,
    wte: tf.Tensor,
    batch: Mapping[str, tf.Tensor],
    operations: Operations,
    layer: OutputLayer = WHOLE,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Sum of the cross-entropies (nats) that count, and their number: float32 scalars.

    hidden: [B, L, W]; wte: the token embedding [V, W]; batch: int32 [B, L] by feature name.
    layer: how logits are made.
    """
    found = predictions(hidden, batch, layer.most)
    return layer.loss(found, wte, operations.cross_entropy), tf.reduce_sum(found.weights)
