"""Gradients a block at a time: activations of one block are held, the others are computed again.

    forward    embed --x0--> block 0 --x1--> ... block n-1 --xn--> norm, logits, loss
    backward   loss --dxn--> block n-1 again from x(n-1) --dx(n-1)--> ... block 0 again --dx0--> embed

Only x0 .. xn are kept (Chen et al. 2016, "Training deep nets with sublinear memory cost"). The
logits are made for some predictions at a time (`trainer.output_layer`). Gradients are handed over as
they appear, the last block's first: whoever uses them up at once, as the low-memory training does,
never has a full set of them (Lv et al. 2023, "Full parameter fine-tuning for large language models
with limited resources").

TensorFlow starts whatever has its inputs. The control dependencies here make it wait, so that no
block is cast or computed again before the one behind it is done.
"""

from collections.abc import Callable, Mapping

import tensorflow as tf

from trainer.bounds import ANY_NUMBER
from trainer.gpt2 import GPT2, block, block_weights, causal_mask, embed, layer_norm
from trainer.loss import predictions
from trainer.operations import Operations
from trainer.output_layer import WHOLE, OutputLayer

Gradients = dict[str, tf.Tensor]
# Takes gradients by name, float32; the backward pass goes on when the operations it gives are done.
Visit = Callable[[Gradients], list[tf.Operation]]

_EMBEDDINGS = ("model/wte", "model/wpe")
_FINAL_NORM = ("model/ln_f/g", "model/ln_f/b")


class BlockwiseGradients:
    """The loss of a batch and the gradients of its weights, block after block.

    model: which is left as it is. trained: the names of the variables whose gradients are wanted.
    most: as of `trainer.loss.predictions`. layer: how logits are made.
    xla: compile the passes through a block and through the output layer, once for all blocks.
    """

    def __init__(
        self,
        model: GPT2,
        trained: Mapping[str, tf.Variable],
        *,
        most: int = ANY_NUMBER,
        layer: OutputLayer = WHOLE,
        xla: bool = False,
    ) -> None:
        self._model = model
        self._trained = frozenset(trained)
        self._most = most
        self._layer = layer
        self._xla = xla

    def __call__(
        self,
        batch: Mapping[str, tf.Tensor],
        operations: Operations,
        scale: tf.Tensor | float,
        visit: Visit,
    ) -> tf.Tensor:
        """Sum of the losses that count (nats); `visit` gets all gradients.

        batch: int32 [B, L] by feature name. scale: of the loss whose gradients they are.
        """
        layers = range(self._model.config.layers)
        mask = causal_mask(batch["segment_ids"])
        passes = _BlockPasses(self._model, operations, xla=self._xla)
        x = self._embedded(batch, operations, self._values(_EMBEDDINGS))
        inputs = []
        for layer in layers:
            inputs.append(x)
            x = passes.forward(self._values(self._names(layer), after=x), layer, x, mask)
        total, gradient, found = self._head(x, batch, operations, scale)
        of_logits = found.pop("model/wte", None)
        gradient = _after(visit(found), gradient)
        for layer in reversed(layers):
            if not self._is_trained_up_to(layer):
                return total
            x = _after([gradient.op], inputs[layer])
            names = self._names(layer)
            trained = [name for name in names if name in self._trained]
            gradient, found = passes.backward(
                self._values(names, after=x), trained, layer, x, gradient, mask
            )
            gradient = _after(visit(found), gradient)
        if not self._trained.isdisjoint(_EMBEDDINGS):
            visit(self._embedding_gradients(batch, operations, gradient, of_logits))
        return total

    def _head(
        self,
        x: tf.Tensor,
        batch: Mapping[str, tf.Tensor],
        operations: Operations,
        scale: tf.Tensor | float,
    ) -> tuple[tf.Tensor, tf.Tensor, Gradients]:
        """Loss, the gradient of the last block's output, and those of norm and logits."""

        def head(
            x: tf.Tensor, norm: Gradients, wte: tf.Tensor, scale: tf.Tensor
        ) -> tuple[tf.Tensor, tf.Tensor, Gradients]:
            wanted = {name: norm[name] for name in norm if name in self._trained}
            with tf.GradientTape(watch_accessed_variables=False) as tape:
                tape.watch([x, wanted])
                normed = layer_norm(self._model.weights(norm), "model/ln_f", x)
                found = predictions(normed, batch, self._most)
            (wte,) = self._model.weights({"model/wte": wte}).values()
            of_loss = self._layer.loss_and_gradients(
                found,
                wte,
                operations.cross_entropy,
                scale,
                wants_wte="model/wte" in self._trained,
            )
            gradient, gradients = tape.gradient(
                found.hidden, (x, wanted), output_gradients=of_loss.of_hidden
            )
            if of_loss.of_wte is not None:
                gradients["model/wte"] = of_loss.of_wte
            return of_loss.loss, gradient, gradients

        values = self._values([*_FINAL_NORM, "model/wte"], after=x)
        wte = values.pop("model/wte")
        return _compiled(head, self._xla)(x, values, wte, tf.convert_to_tensor(scale, tf.float32))

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
        prefix = _prefix(layer)
        return [name for name in self._model.variables_by_name if name.startswith(prefix)]

    def _is_trained_up_to(self, layer: int) -> bool:
        """Whether an embedding or a block up to this one has anything that is trained."""
        names = {*_EMBEDDINGS}.union(*(self._names(below) for below in range(layer + 1)))
        return not self._trained.isdisjoint(names)


class _BlockPasses:
    """The passes through a block as two functions that serve every layer, so that XLA compiles two."""

    def __init__(self, model: GPT2, operations: Operations, *, xla: bool) -> None:
        self._model = model
        self._operations = operations
        self._forward = _compiled(self._out, xla)
        self._backward = _compiled(self._gradients, xla)

    def forward(self, values: Gradients, layer: int, x: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
        """The block's output; values: of its variables, float32 by name."""
        return self._forward(block_weights(values, layer), _place(layer), x, mask)

    def backward(
        self,
        values: Gradients,
        trained: list[str],
        layer: int,
        x: tf.Tensor,
        gradient: tf.Tensor,
        mask: tf.Tensor,
    ) -> tuple[tf.Tensor, Gradients]:
        """Gradients of the block's input and of its trained variables, by name; its passes are made again."""
        prefix = _prefix(layer)
        wanted = tuple(name.removeprefix(prefix) for name in trained)
        gradient, found = self._backward(
            block_weights(values, layer), wanted, _place(layer), x, gradient, mask
        )
        return gradient, {prefix + name: value for name, value in found.items()}

    def _out(self, values: Gradients, place: tf.Tensor, x: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
        weights, heads = self._model.weights(values), self._model.config.heads
        return block(weights, heads, x, mask, None, None, self._operations, place)[0]

    def _gradients(
        self,
        values: Gradients,
        wanted: tuple[str, ...],
        place: tf.Tensor,
        x: tf.Tensor,
        gradient: tf.Tensor,
        mask: tf.Tensor,
    ) -> tuple[tf.Tensor, Gradients]:
        trained = {name: values[name] for name in wanted}
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch([x, trained])
            out = self._out(values, place, x, mask)
        return tape.gradient(out, (x, trained), output_gradients=gradient)


def _prefix(layer: int) -> str:
    return f"model/h{layer}/"


def _place(layer: int) -> tf.Tensor:
    """The first place where a block drops activations, as `trainer.gpt2.transformer` counts them."""
    return tf.constant(3 * layer + 1)


def _compiled(function: Callable, xla: bool) -> Callable:
    return tf.function(function, autograph=False, jit_compile=True) if xla else function


def _after(done: list[tf.Operation], x: tf.Tensor) -> tf.Tensor:
    """The tensor x, once the operations are done."""
    with tf.control_dependencies(done):
        return tf.identity(x)
