"""The output layer and its loss, so many predictions at a time: all logits of a batch never exist.

A batch of 32 rows of 1,024 tokens has 1.6 billion logits over 50,257 ids, 6.6 GB in float32. A piece's
gradients are computed beside its loss, so that its logits are computed once.
"""

from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf

from trainer.gpt2 import logits

# cuBLAS's half-precision products want rows of whole vectors; XLA would copy logits or embedding into such
COLUMNS_ON_GPU = 64

CrossEntropy = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]


class LossAndGradients(NamedTuple):
    """loss: float32, the sum of a batch's losses (nats). of_hidden: [N, W]. of_wte: float32 [V, W], or
    None where it is not wanted."""

    loss: tf.Tensor
    of_hidden: tf.Tensor
    of_wte: tf.Tensor | None


class Predictions(NamedTuple):
    """Hidden vectors [N, W], their labels int [N], and float32 [N], what each loss is multiplied by."""

    hidden: tf.Tensor
    labels: tf.Tensor
    weights: tf.Tensor


class OutputLayer(NamedTuple):
    """How logits and losses of predictions are computed.

    at_once: predictions whose logits exist at once; None is all of them.
    columns: logits are computed for a multiple of so many ids; those beyond the vocabulary are never
        predicted.
    adds_up: the gradient of the embedding is added up piece by piece; otherwise it is one product at
        the end, for which the gradients of all logits are kept in the precision of the computation.
    most: no fewer predictions than count in any batch (see `trainer.loss.predictions`); None is not known.
    """

    at_once: int | None = None
    columns: int = 1
    adds_up: bool = True
    most: int | None = None

    def loss(
        self, predictions: Predictions, wte: tf.Tensor, cross_entropy: CrossEntropy
    ) -> tf.Tensor:
        """The sum of the losses, float32; wte: the token embedding [V, W].

        It has gradients; where nobody asks for them, XLA leaves them out of the loop over pieces.
        """
        if self.at_once is None or predictions.hidden.shape[0] <= self.at_once:
            filled = in_whole_columns(wte, self.columns)
            predicted = logits(filled, predictions.hidden)
            losses = cross_entropy(of_vocabulary(predicted, wte.shape[0]), predictions.labels)
            return tf.reduce_sum(losses * predictions.weights)

        @tf.custom_gradient
        def loss(hidden: tf.Tensor, wte: tf.Tensor) -> tuple[tf.Tensor, object]:
            given = predictions._replace(hidden=hidden)
            found = self.loss_and_gradients(given, wte, cross_entropy)

            def gradient(upstream: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
                of_hidden = found.of_hidden * tf.cast(upstream, found.of_hidden.dtype)
                return of_hidden, tf.cast(found.of_wte * upstream, wte.dtype)

            return found.loss, gradient

        return loss(predictions.hidden, wte)

    def loss_and_gradients(
        self,
        predictions: Predictions,
        wte: tf.Tensor,
        cross_entropy: CrossEntropy,
        scale: tf.Tensor | float = 1.0,
        *,
        wants_wte: bool = True,
    ) -> LossAndGradients:
        """The loss as `loss` has it, and the gradients of scale x loss."""
        pieces, filled = _Pieces(predictions, self.at_once), in_whole_columns(wte, self.columns)

        keeps = wants_wte and not self.adds_up

        def product(of_logits: tf.Tensor, hidden: tf.Tensor) -> tf.Tensor:
            return tf.cast(tf.matmul(of_logits, hidden, transpose_a=True), tf.float32)

        def add(
            number: tf.Tensor,
            total: tf.Tensor,
            of_hidden: tf.TensorArray,
            of_logits: tf.TensorArray,
            of_wte: tf.Tensor,
        ) -> tuple[tf.Tensor, tf.Tensor, tf.TensorArray, tf.TensorArray, tf.Tensor]:
            piece = pieces.at(number)
            predicted = logits(filled, piece.hidden)
            with tf.GradientTape(watch_accessed_variables=False) as tape:
                tape.watch(predicted)
                losses = cross_entropy(of_vocabulary(predicted, wte.shape[0]), piece.labels)
            gradient = tape.gradient(losses, predicted, output_gradients=piece.weights * scale)
            total += tf.reduce_sum(losses * piece.weights)
            of_hidden = of_hidden.write(number, tf.matmul(gradient, filled))
            if keeps:
                of_logits = of_logits.write(number, gradient)
            elif wants_wte:
                of_wte += product(gradient, piece.hidden)
            return number + 1, total, of_hidden, of_logits, of_wte

        start = (
            tf.constant(0),
            tf.constant(0.0),
            pieces.array(filled.dtype, filled.shape[1]),
            pieces.array(filled.dtype, filled.shape[0] if keeps else 0),
            tf.zeros(filled.shape if wants_wte and not keeps else []),
        )
        if pieces.count == 1:
            found = add(*start)
        else:
            found = tf.while_loop(
                lambda number, *_: number < pieces.count, add, start, parallel_iterations=1
            )
        _, total, of_hidden, of_logits, of_wte = found
        rows = predictions.hidden.shape[0]
        if keeps:
            of_wte = product(of_logits.concat()[:rows], predictions.hidden)
        of_hidden = of_hidden.concat()[:rows]
        return LossAndGradients(total, of_hidden, of_wte[: wte.shape[0]] if wants_wte else None)


WHOLE = OutputLayer()


class _Pieces:
    """Predictions in pieces of the same size; what makes up the last one weighs nothing."""

    def __init__(self, predictions: Predictions, at_once: int | None) -> None:
        rows, width = predictions.hidden.shape
        size = min(rows, at_once or rows)
        self.count, self._size = -(-rows // size), size
        lacking = [0, self.count * size - rows]
        hidden, *others = predictions
        self._stacked = [
            tf.reshape(tf.pad(hidden, [lacking, [0, 0]]), [self.count, size, width]),
            *(tf.reshape(tf.pad(other, [lacking]), [self.count, size]) for other in others),
        ]

    def array(self, dtype: tf.DType, width: int) -> tf.TensorArray:
        """A place for [size, width] of each piece; for nothing where the width is 0."""
        return tf.TensorArray(dtype, self.count if width else 0, element_shape=[self._size, width])

    def at(self, number: tf.Tensor) -> Predictions:
        """The piece of a number."""
        return Predictions(*(stacked[number] for stacked in self._stacked))


def in_whole_columns(wte: tf.Tensor, columns: int) -> tf.Tensor:
    """The token embedding [V, W] with rows of zeros up to a multiple of so many columns of logits."""
    lacking = -wte.shape[0] % columns
    return tf.pad(wte, [[0, lacking], [0, 0]]) if lacking else wte


def of_vocabulary(predicted: tf.Tensor, vocabulary: int) -> tf.Tensor:
    """Logits [N, V] with the lowest number for every id beyond the vocabulary."""
    if predicted.shape[1] == vocabulary:
        return predicted
    beyond = tf.range(predicted.shape[1]) >= vocabulary
    return tf.where(beyond, predicted.dtype.min, predicted)
