"""GPT-2 (Radford et al. 2019, "Language Models are Unsupervised Multitask Learners"), whole.

Read from the top: what the model holds (`GPT2`, by the shapes of `trainer.config`), what it does to a
batch of tokens (`transformer`, `block`, `attention`, `mlp`), and the small parts below. Names and
shapes are those of OpenAI's checkpoints, so that a checkpoint loads by name alone.

Letters of the shapes: B rows of a batch, L tokens of a row, S slots of a cache, V ids of the
vocabulary, W width, H heads, D = W / H width of a head. A dense kernel is [1, in, out], as OpenAI
wrote it (a convolution over one token), or [out, in] in a model that is served
(`trainer.served_model`).

The forward pass is made of functions of `weights`, a mapping from names to tensors, and not of
layer objects that hold variables: a caller casts the weights once for a whole generation, or passes
them one block at a time.
"""

from collections.abc import Callable, Mapping
from typing import Literal, NamedTuple

import tensorflow as tf

from trainer.config import LORA_A, LORA_B, SIZES, GPT2Config, variable_shapes
from trainer.initial_weights import initial_value
from trainer.lora import LoRA
from trainer.operations import PLAIN, Operations

__all__ = ["GPT2", "SIZES", "Cache", "GPT2Config", "transformer"]

Precision = Literal["float32", "bfloat16", "float16"]
Weights = Mapping[str, tf.Tensor]
Block = Callable[..., tuple[tf.Tensor, tuple[tf.Tensor, tf.Tensor]]]  # as `block` is


class GPT2(tf.Module):
    """A GPT-2: its variables and how to compute with them.

    config: the shape.
    seed: of the random initial weights; None makes them zero, for a checkpoint to fill.
    precision: of the computation; `bfloat16` keeps the weights, the statistics of the norms, the
        softmax and the logits in float32.
    variables: by name, where they are not to be made here.
    """

    def __init__(
        self,
        config: GPT2Config,
        *,
        seed: int | None = None,
        precision: Precision = "float32",
        variables: dict[str, tf.Variable] | None = None,
    ) -> None:
        super().__init__(name="model")
        self.config = config
        self.precision: Precision = precision
        self.by_name: dict[str, tf.Variable] = variables or {
            name: tf.Variable(initial_value(config, name, shape, seed), name=name)
            for name, shape in variable_shapes(config).items()
        }
        self.lora: LoRA | None = None

    @property
    def variables_by_name(self) -> dict[str, tf.Variable]:
        """The model's variables, and those of LoRA while it is trained."""
        return self.by_name if self.lora is None else {**self.by_name, **self.lora.by_name}

    def weights(self, values: Weights | None = None) -> dict[str, tf.Tensor]:
        """What the functions below read, in the precision of the computation, by name.

        values: of some variables, float32; by default all variables are read.
        """
        values = self.variables_by_name if values is None else values
        if self.lora is not None:
            values = {name: self.lora.scaled(name, value) for name, value in values.items()}
        # Tensors, never variables: to gather from a variable has TensorFlow copy it at every other read.
        tensors = {name: tf.convert_to_tensor(value) for name, value in values.items()}
        return {name: tf.cast(value, self.precision) for name, value in tensors.items()}

    def __call__(
        self,
        input_ids: tf.Tensor,
        segment_ids: tf.Tensor | None = None,
        positions: tf.Tensor | None = None,
    ) -> tf.Tensor:
        """Logits float32 [B, L, V]: those at i are of token i + 1. Arguments as of `hidden`."""
        return tf.cast(self.logits(self.hidden(input_ids, segment_ids, positions)), tf.float32)

    def logits(self, hidden: tf.Tensor) -> tf.Tensor:
        """Logits [..., V] of hidden vectors [..., W], in the precision of the computation."""
        return logits(self.output_embedding(), hidden)

    def output_embedding(self) -> tf.Tensor:
        """The token embedding [V, W] with which logits are made, in the precision of the computation."""
        return self.weights({"model/wte": self.by_name["model/wte"]})["model/wte"]

    def hidden(
        self,
        input_ids: tf.Tensor,
        segment_ids: tf.Tensor | None = None,
        positions: tf.Tensor | None = None,
        operations: Operations = PLAIN,
        run_block: Block | None = None,
    ) -> tf.Tensor:
        """Hidden vectors [B, L, W] after the final norm, in the precision of the computation.

        input_ids: int [B, L], L at most the context.
        segment_ids: int [B, L]: a token sees itself and the tokens before it of its own segment;
            None is one segment.
        positions: int [B, L], rows of the position embedding; None counts from 0.
        operations, run_block: as of `transformer`.
        """
        if segment_ids is None:
            segment_ids = tf.ones_like(input_ids)
        if positions is None:
            positions = tf.range(tf.shape(input_ids)[1])[tf.newaxis]
        hidden, _ = transformer(
            self.weights(),
            self.config,
            input_ids,
            positions,
            causal_mask(segment_ids),
            operations=operations,
            run_block=run_block,
        )
        return hidden


class Cache(NamedTuple):
    """Keys and values of the tokens so far, for every block: a list of [B, H, S, D] each."""

    keys: list[tf.Tensor]
    values: list[tf.Tensor]

    def map(self, function: Callable[[tf.Tensor], tf.Tensor]) -> "Cache":
        """A cache of what a function makes of each tensor."""
        return Cache(*([function(layer) for layer in part] for part in self))


def transformer(
    weights: Weights,
    config: GPT2Config,
    input_ids: tf.Tensor,
    positions: tf.Tensor,
    mask: tf.Tensor,
    *,
    past: Cache | None = None,
    slot: tf.Tensor | None = None,
    operations: Operations = PLAIN,
    run_block: Block | None = None,
) -> tuple[tf.Tensor, Cache]:
    """Embeddings, blocks, final norm: the hidden vectors [B, L, W], and the keys and values.

    mask: bool [B, 1, L, S], who sees whom; without a past S is L.
    past, slot: in cached generation, where L is 1, the cache (S slots) and the slot of each row, int32
        [B], at which its token is written into it; the returned cache is the past with them, in its
        memory. Without, it holds these L tokens.
    operations: what to compute with.
    run_block: what to call for a block, by default `block`. `tf.function(block)` has a graph hold it
        once for all layers: inlined, 48 blocks in five signatures make a SavedModel that takes a
        gigabyte to load. TensorFlow inlines the calls itself when a graph runs.
    """
    x = embed(weights, input_ids, positions)  # [B, L, W]
    x = operations.drop(x, 0)
    keys, values = [], []
    for layer in range(config.layers):
        layer_past = None if past is None else (past.keys[layer], past.values[layer])
        x, (key, value) = (run_block or block)(
            block_weights(weights, layer),
            config.heads,
            x,
            mask,
            layer_past,
            slot,
            operations.at(3 * layer + 1),
        )
        keys.append(key)
        values.append(value)
    return layer_norm(weights, "model/ln_f", x), Cache(keys, values)


def block_weights(weights: Weights, layer: int) -> dict[str, tf.Tensor]:
    """The weights of a block by their names within it: `ln_1/g` for `model/h3/ln_1/g`."""
    prefix = f"model/h{layer}/"
    return {
        name.removeprefix(prefix): value
        for name, value in weights.items()
        if name.startswith(prefix)
    }


def block(
    weights: Weights,
    heads: int,
    x: tf.Tensor,
    mask: tf.Tensor,
    past: tuple[tf.Tensor, tf.Tensor] | None,
    slot: tf.Tensor | None,
    operations: Operations,
) -> tuple[tf.Tensor, tuple[tf.Tensor, tf.Tensor]]:
    """A block: attention, then the MLP, each on a normed x and added to x; x is [B, L, W].

    weights: as of `block_weights`. It drops activations at three places, the first in attention.
    """
    normed = layer_norm(weights, "ln_1", x)
    attended, present = attention(weights, heads, normed, mask, past, slot, operations)
    x += operations.drop(attended, 1)
    x += operations.drop(mlp(weights, layer_norm(weights, "ln_2", x), operations), 2)
    return x, present


def attention(
    weights: Weights,
    heads: int,
    x: tf.Tensor,
    mask: tf.Tensor,
    past: tuple[tf.Tensor, tf.Tensor] | None,
    slot: tf.Tensor | None,
    operations: Operations,
) -> tuple[tf.Tensor, tuple[tf.Tensor, tf.Tensor]]:
    """Attention of every head (Vaswani et al. 2017): [B, L, W] to [B, L, W], and keys and values."""
    joined = dense(weights, "attn/c_attn", x, operations)  # [B, L, 3W]
    query, key, value = (split_heads(part, heads) for part in tf.split(joined, 3, axis=-1))
    if past is not None:
        key, value = (
            operations.write_slots(old, new, slot)
            for old, new in zip(past, (key, value), strict=True)
        )
    attended = operations.attend(query, key, value, mask, operations.drop)  # [B, H, L, D]
    return dense(weights, "attn/c_proj", merge_heads(attended), operations), (key, value)


def mlp(weights: Weights, x: tf.Tensor, operations: Operations) -> tf.Tensor:
    """Two dense layers with a GELU in between."""
    expanded = operations.gelu(dense(weights, "mlp/c_fc", x, operations))  # [B, L, 4W]
    return dense(weights, "mlp/c_proj", expanded, operations)


def embed(weights: Weights, input_ids: tf.Tensor, positions: tf.Tensor) -> tf.Tensor:
    """Token and position embedding added, [B, L, W]."""
    tokens = tf.gather(weights["model/wte"], input_ids)
    return tokens + tf.gather(weights["model/wpe"], positions)


def logits(wte: tf.Tensor, hidden: tf.Tensor) -> tf.Tensor:
    """Logits [..., V] of hidden vectors [..., W]: the token embedding [V, W] again, transposed."""
    return tf.matmul(hidden, wte, transpose_b=True)


def dense(weights: Weights, name: str, x: tf.Tensor, operations: Operations) -> tf.Tensor:
    """x w + b, and x a b where LoRA's matrices are there: [B, L, in] to [B, L, out]."""
    kernel, bias = weights[f"{name}/w"], weights[f"{name}/b"]
    rows = tf.reshape(x, [-1, kernel.shape[1]])
    out = operations.multiply(rows, kernel) + bias
    if f"{name}/{LORA_A}" in weights:
        out += tf.matmul(tf.matmul(rows, weights[f"{name}/{LORA_A}"]), weights[f"{name}/{LORA_B}"])
    return tf.reshape(out, [*dimensions(x)[:-1], bias.shape[0]])


def layer_norm(weights: Weights, name: str, x: tf.Tensor, epsilon: float = 1e-5) -> tf.Tensor:
    """Layer norm over the width (Ba et al. 2016), its statistics in float32."""
    wide = tf.cast(x, tf.float32)
    mean = tf.reduce_mean(wide, axis=-1, keepdims=True)
    centred = wide - mean
    variance = tf.reduce_mean(tf.square(centred), axis=-1, keepdims=True)
    # not rsqrt, which TensorFlow also makes of 1 / sqrt: from eight rows on its vector path has other bits
    inverse = tf.math.divide_no_nan(1.0, tf.sqrt(variance + epsilon))
    normed = tf.cast(centred * inverse, x.dtype)
    return normed * weights[f"{name}/g"] + weights[f"{name}/b"]


def split_heads(x: tf.Tensor, heads: int) -> tf.Tensor:
    """[B, L, W] to [B, H, L, D]."""
    batch, length, width = dimensions(x)
    return tf.transpose(tf.reshape(x, [batch, length, heads, width // heads]), [0, 2, 1, 3])


def merge_heads(x: tf.Tensor) -> tf.Tensor:
    """[B, H, L, D] to [B, L, W]."""
    batch, heads, length, head_width = dimensions(x)
    return tf.reshape(tf.transpose(x, [0, 2, 1, 3]), [batch, length, heads * head_width])


def causal_mask(segment_ids: tf.Tensor) -> tf.Tensor:
    """Who sees whom, bool [B, 1, L, L]: the query's segment, up to and with the query itself.

    Three tokens of segment 1, two of segment 2, one of padding (rows are queries):

        1 1 1 2 2 0
        x . . . . .    1
        x x . . . .    1
        x x x . . .    1
        . . . x . .    2
        . . . x x .    2
        . . . . . x    0, which sees itself only, so that no softmax is empty
    """
    length = tf.shape(segment_ids)[1]
    slots = tf.range(length)
    causal = slots[:, tf.newaxis] >= slots  # [L, L]
    same = segment_ids[:, :, tf.newaxis] == segment_ids[:, tf.newaxis, :]  # [B, L, L]
    return (causal & same)[:, tf.newaxis]


def dimensions(x: tf.Tensor) -> list[int | tf.Tensor]:
    """The shape of x, each axis a number where it is known and a tensor where it is not."""
    dynamic = tf.shape(x)
    return [dynamic[i] if n is None else n for i, n in enumerate(x.shape)]
