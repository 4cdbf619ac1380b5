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

from collections.abc import Callable, Iterable, Mapping

import tensorflow as tf

from trainer.bounds import ANY_NUMBER
from trainer.gpt2 import GPT2, block, block_weights, causal_mask, embed, layer_norm
from trainer.loss import predictions
from trainer.operations import Operations
from trainer.output_layer import OutputLayer

Gradients = dict[str, tf.Tensor]
# Takes gradients by name, float32; the backward pass goes on when the operations it gives are done.
Visit = Callable[[Gradients], list[tf.Operation]]

_EMBEDDINGS = ("model/wte", "model/wpe")
_FINAL_NORM = ("model/ln_f/g", "model/ln_f/b")
_WHOLE = OutputLayer(most=ANY_NUMBER)


class BlockwiseGradients:
    """The loss of a batch and the gradients of its weights, block after block.

    model: which is left as it is. trained: the names of the variables whose gradients are wanted.
    layer: how logits are made.
    xla: compile the passes through a block and through the output layer, once for all blocks.
    """

    def __init__(
        self,
        model: GPT2,
        trained: Mapping[str, tf.Variable],
        *,
        layer: OutputLayer = _WHOLE,
        xla: bool = False,
    ) -> None:
        self._model = model
        self._trained = frozenset(trained)
        self._layer = layer
        self._xla = xla
        variables = model.variables_by_name
        self._outside = {name: variables[name] for name in (*_EMBEDDINGS, *_FINAL_NORM)}
        self._blocks = [block_weights(variables, layer) for layer in range(model.config.layers)]
        # of each block, the names within it of what is trained
        of_blocks = (block_weights(trained, layer) for layer in range(model.config.layers))
        self._trained_in = [tuple(found) for found in of_blocks]

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
        mask = causal_mask(batch["segment_ids"])
        heads = self._model.config.heads

        def out(values: Gradients, place: tf.Tensor, x: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
            weights = self._model.weights(values)
            return block(weights, heads, x, mask, None, None, operations.at(place))[0]

        def gradients(
            values: Gradients,
            wanted: tuple[str, ...],
            place: tf.Tensor,
            x: tf.Tensor,
            gradient: tf.Tensor,
            mask: tf.Tensor,
        ) -> tuple[tf.Tensor, Gradients]:
            """Of the block's input and of its wanted variables; its pass is made again."""
            trained = {name: values[name] for name in wanted}
            with tf.GradientTape(watch_accessed_variables=False) as tape:
                tape.watch([x, trained])
                again = out(values, place, x, mask)
            return tape.gradient(again, (x, trained), output_gradients=gradient)

        # two functions serve every block, so that XLA compiles two
        forward, backward = _compiled(out, self._xla), _compiled(gradients, self._xla)
        x = self._embedded(batch, operations, _read(self._outside, _EMBEDDINGS))
        inputs = []
        for layer, variables in enumerate(self._blocks):
            inputs.append(x)
            x = forward(_read(variables, after=x), _place(layer), x, mask)
        total, gradient, found = self._head(x, batch, operations, scale)
        of_logits = found.pop("model/wte", None)
        gradient = _after(visit(found), gradient)
        trains_embeddings = not self._trained.isdisjoint(_EMBEDDINGS)
        for layer in reversed(range(len(self._blocks))):
            if not (trains_embeddings or any(self._trained_in[: layer + 1])):
                return total
            x = _after([gradient.op], inputs[layer])
            values = _read(self._blocks[layer], after=x)
            gradient, found = backward(
                values, self._trained_in[layer], _place(layer), x, gradient, mask
            )
            of_block = {f"model/h{layer}/{name}": value for name, value in found.items()}
            gradient = _after(visit(of_block), gradient)
        if trains_embeddings:
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
            x: tf.Tensor, values: Gradients, scale: tf.Tensor
        ) -> tuple[tf.Tensor, tf.Tensor, Gradients]:
            wanted = {name: values[name] for name in _FINAL_NORM if name in self._trained}
            with tf.GradientTape(watch_accessed_variables=False) as tape:
                tape.watch([x, wanted])
                weights = self._model.weights(values)
                normed = layer_norm(weights, "model/ln_f", x)
                found = predictions(normed, batch, self._layer.most)
            wte, wants_wte = weights["model/wte"], "model/wte" in self._trained
            of_loss = self._layer.loss_and_gradients(
                found, wte, operations.cross_entropy, scale, wants_wte=wants_wte
            )
            gradient, gradients = tape.gradient(
                found.hidden, (x, wanted), output_gradients=of_loss.of_hidden
            )
            if of_loss.of_wte is not None:
                gradients["model/wte"] = of_loss.of_wte
            return of_loss.loss, gradient, gradients

        values = _read(self._outside, [*_FINAL_NORM, "model/wte"], after=x)
        return _compiled(head, self._xla)(x, values, tf.convert_to_tensor(scale, tf.float32))

    def _embedding_gradients(
        self,
        batch: Mapping[str, tf.Tensor],
        operations: Operations,
        gradient: tf.Tensor,
        of_logits: tf.Tensor | None,
    ) -> Gradients:
        """Gradients of both embeddings, that of the tokens' as logits added."""
        values = _read(self._outside, _EMBEDDINGS, after=gradient)
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(values)
            x = self._embedded(batch, operations, values)
        slices = tape.gradient(x, values, output_gradients=gradient)
        found = {}
        for name in (name for name in _EMBEDDINGS if name in self._trained):
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


def _read(
    variables: Mapping[str, tf.Variable],
    names: Iterable[str] | None = None,
    after: tf.Tensor | None = None,
) -> Gradients:
    """The float32 values of variables, by default of all, read when a tensor is there."""
    with tf.control_dependencies([] if after is None else [after]):
        return {name: variables[name].read_value() for name in names or variables}


def _place(layer: int) -> tf.Tensor:
    """The first place where a block drops activations, as `trainer.gpt2.transformer` counts them."""
    return tf.constant(3 * layer + 1)


def _compiled(function: Callable, xla: bool) -> Callable:
    return tf.function(function, autograph=False, jit_compile=True) if xla else function


def _after(done: list[tf.Operation], x: tf.Tensor) -> tf.Tensor:
    """The tensor x, once the operations are done."""
    with tf.control_dependencies(done):
        return tf.identity(x)
