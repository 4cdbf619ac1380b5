"""Gradients a block at a time: activations of one block are held, the others are computed again.

    forward    embed --x0--> block 0 --x1--> ... block n-1 --xn--> norm, logits, loss
    backward   loss --dxn--> block n-1 again from x(n-1) --dx(n-1)--> ... block 0 again --dx0--> embed

Only x0 .. xn are kept (Chen et al. 2016, "Training deep nets with sublinear memory cost"). The
logits are made for `HEAD_ROWS` predictions at a time; where the embedding is trained their
gradients are kept, in the precision of the computation, for one product at the end. Gradients are
handed over as they appear, the last block's first: whoever uses them up at once, as the low-memory
training does, never has a full set of them (Lv et al. 2023, "Full parameter fine-tuning for large
language models with limited resources").

TensorFlow starts whatever has its inputs. The control dependencies here make it wait, so that no
block is cast or computed again before the one behind it is done.
"""

from collections.abc import Callable, Mapping

import tensorflow as tf

from trainer.gpt2 import GPT2, block, block_weights, causal_mask, embed, layer_norm, logits
from trainer.loss import predictions
from trainer.operations import Operations

HEAD_ROWS = 256  # predictions whose logits exist at once: 51 MB in float32 at 50,257 ids

Gradients = dict[str, tf.Tensor]
# Takes gradients by name, float32; the backward pass goes on when the operations it gives are done.
Visit = Callable[[Gradients], list[tf.Operation]]

_EMBEDDINGS = ("model/wte", "model/wpe")
_FINAL_NORM = ("model/ln_f/g", "model/ln_f/b")


class BlockwiseGradients:
    """The loss of a batch and the gradients of its weights, block after block.

    model: which is left as it is. trained: the names of the variables whose gradients are wanted.
    xla: compile the passes through a block.
    """

    def __init__(self, model: GPT2, trained: Mapping[str, tf.Variable], *, xla: bool) -> None:
        self._model = model
        self._trained = frozenset(trained)
        self._xla = xla

    def __call__(
        self,
        batch: Mapping[str, tf.Tensor],
        operations: Operations,
        scale: tf.Tensor | float,
        visit: Visit,
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Sum of the losses that count (nats) and their number; `visit` gets all gradients.

        batch: int32 [B, L] by feature name. scale: of the loss whose gradients they are.
        """
        layers = range(self._model.config.layers)
        mask = causal_mask(batch["segment_ids"])
        x = self._embedded(batch, operations, self._values(_EMBEDDINGS))
        inputs = []
        for layer in layers:
            inputs.append(x)
            x = self._block(layer, x, mask, operations)
        total, count, gradient, found = self._head(x, batch, operations, scale)
        of_logits = found.pop("model/wte", None)
        gradient = _after(visit(found), gradient)
        for layer in reversed(layers):
            if not self._is_trained_up_to(layer):
                return total, count
            gradient, found = self._block_gradients(
                layer, inputs[layer], gradient, mask, operations
            )
            gradient = _after(visit(found), gradient)
        if not self._trained.isdisjoint(_EMBEDDINGS):
            visit(self._embedding_gradients(batch, operations, gradient, of_logits))
        return total, count

    def _block(
        self, layer: int, x: tf.Tensor, mask: tf.Tensor, operations: Operations
    ) -> tf.Tensor:
        def forward(x: tf.Tensor) -> tf.Tensor:
            values = self._values(self._names(layer), after=x)
            return self._run_block(layer, values, x, mask, operations)

        return self._compiled(forward)(x)

    def _block_gradients(
        self,
        layer: int,
        x: tf.Tensor,
        gradient: tf.Tensor,
        mask: tf.Tensor,
        operations: Operations,
    ) -> tuple[tf.Tensor, Gradients]:
        """Gradients of a block's input and of its trained weights, its passes made again."""

        def backward(x: tf.Tensor, gradient: tf.Tensor) -> tuple[tf.Tensor, Gradients]:
            x = _after([gradient.op], x)
            values = self._values(self._names(layer), after=x)
            wanted = {name: values[name] for name in values if name in self._trained}
            with tf.GradientTape(watch_accessed_variables=False) as tape:
                tape.watch([x, wanted])
                out = self._run_block(layer, values, x, mask, operations)
            return tape.gradient(out, (x, wanted), output_gradients=gradient)

        return self._compiled(backward)(x, gradient)

    def _run_block(
        self,
        layer: int,
        values: Gradients,
        x: tf.Tensor,
        mask: tf.Tensor,
        operations: Operations,
    ) -> tf.Tensor:
        weights = block_weights(self._model.weights(values), layer)
        heads, place = self._model.config.heads, 3 * layer + 1
        return block(weights, heads, x, mask, None, None, operations, place)[0]

    def _head(
        self,
        x: tf.Tensor,
        batch: Mapping[str, tf.Tensor],
        operations: Operations,
        scale: tf.Tensor | float,
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor, Gradients]:
        """Loss, its number, the gradient of the last block's output, and those of norm and logits."""
        norm = self._values(_FINAL_NORM)
        wanted = {name: norm[name] for name in norm if name in self._trained}
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch([x, wanted])
            normed = layer_norm(self._model.weights(norm), "model/ln_f", x)
            hidden, labels, ones = predictions(normed, batch, operations.row_counts)
        total, of_hidden, of_logits = self._logits_gradients(
            hidden, labels, ones, operations, scale
        )
        gradient, found = tape.gradient(hidden, (x, wanted), output_gradients=of_hidden)
        if "model/wte" in self._trained:
            found["model/wte"] = of_logits
        return total, tf.reduce_sum(ones), gradient, found

    def _logits_gradients(
        self,
        hidden: tf.Tensor,
        labels: tf.Tensor,
        ones: tf.Tensor,
        operations: Operations,
        scale: tf.Tensor | float,
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Loss, and gradients of hidden [N, W] and of the embedding [V, W] through its logits."""
        wte = self._model.weights(self._values(["model/wte"], after=hidden))["model/wte"]
        count, is_trained = tf.shape(hidden)[0], "model/wte" in self._trained

        def part(
            start: tf.Tensor, total: tf.Tensor, of_hidden: tf.TensorArray, of_logits: tf.TensorArray
        ) -> tuple[tf.Tensor, tf.Tensor, tf.TensorArray, tf.TensorArray]:
            rows, ids, counting = (
                values[start : start + HEAD_ROWS] for values in (hidden, labels, ones)
            )
            predicted = logits({"model/wte": wte}, rows)
            with tf.GradientTape(watch_accessed_variables=False) as tape:
                tape.watch(predicted)
                losses = operations.cross_entropy(predicted, ids)
            loss = tf.reduce_sum(losses * counting)
            gradient = tape.gradient(losses, predicted, output_gradients=counting * scale)
            number = start // HEAD_ROWS
            of_hidden = of_hidden.write(number, tf.matmul(gradient, wte))
            if is_trained:
                of_logits = of_logits.write(number, gradient)
            return start + HEAD_ROWS, total + loss, of_hidden, of_logits

        parts = [
            tf.TensorArray(
                hidden.dtype, -(-count // HEAD_ROWS), infer_shape=False, element_shape=[None, width]
            )
            for width in (wte.shape[1], wte.shape[0])
        ]
        _, total, of_hidden, of_logits = tf.while_loop(
            lambda start, *_: start < count,
            part,
            (tf.constant(0), tf.constant(0.0), *parts),
            parallel_iterations=1,
        )
        if not is_trained:
            return total, of_hidden.concat(), tf.zeros([])
        # one product at the end: sums of products would need two more matrices of this size
        of_wte = tf.matmul(of_logits.concat(), hidden, transpose_a=True)
        return total, of_hidden.concat(), tf.cast(of_wte, tf.float32)

    def _embedding_gradients(
        self,
        batch: Mapping[str, tf.Tensor],
        operations: Operations,
        gradient: tf.Tensor,
        of_logits: tf.Tensor | None,
    ) -> Gradients:
        """Gradients of both embeddings, that of the tokens' as logits added."""
        values = self._values(_EMBEDDINGS, after=gradient)
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(values)
            x = self._embedded(batch, operations, values)
        slices = tape.gradient(x, values, output_gradients=gradient)
        found = {}
        for name in self._trained.intersection(_EMBEDDINGS):
            start = of_logits if name == "model/wte" else tf.zeros(values[name].shape)
            places = slices[name].indices[:, tf.newaxis]
            found[name] = tf.tensor_scatter_nd_add(start, places, slices[name].values)
        return found

    def _embedded(
        self, batch: Mapping[str, tf.Tensor], operations: Operations, values: Gradients
    ) -> tf.Tensor:
        """Embeddings [B, L, W] in the precision of the computation; only rows in use are cast."""
        x = embed(values, batch["input_ids"], batch["positions"])
        return operations.drop(tf.cast(x, self._model.precision), 0)

    def _values(
        self, names: list[str] | tuple[str, ...], after: tf.Tensor | None = None
    ) -> Gradients:
        """The float32 values of variables, read when a tensor is there."""
        with tf.control_dependencies([] if after is None else [after]):
            return {name: self._model.variables_by_name[name].read_value() for name in names}

    def _names(self, layer: int) -> list[str]:
        prefix = f"model/h{layer}/"
        return [name for name in self._model.variables_by_name if name.startswith(prefix)]

    def _is_trained_up_to(self, layer: int) -> bool:
        """Whether an embedding or a block up to this one has anything that is trained."""
        names = {*_EMBEDDINGS}.union(*(self._names(below) for below in range(layer + 1)))
        return not self._trained.isdisjoint(names)

    def _compiled(self, function: Callable) -> Callable:
        return tf.function(function, autograph=False, jit_compile=True) if self._xla else function


def _after(done: list[tf.Operation], x: tf.Tensor) -> tf.Tensor:
    """The tensor x, once the operations are done."""
    with tf.control_dependencies(done):
        return tf.identity(x)
