"""LoRA: small matrices trained beside frozen kernels."""

from collections.abc import Mapping

import tensorflow as tf

from trainer.config import LORA_A, LORA_B, GPT2Config, variable_shapes
from trainer.initial_weights import normal
from trainer.options import TrainingOptions

_DENSE_LAYERS = {
    "attention": ("attn/c_attn", "attn/c_proj"),
    "all": ("attn/c_attn", "attn/c_proj", "mlp/c_fc", "mlp/c_proj"),
}


class LoRA(tf.Module):
    """Low-rank updates of dense layers (Hu et al. 2021, https://arxiv.org/abs/2106.09685).

    A layer x w becomes x w + (alpha / rank) x a b, with a [in, rank] random and b [rank, out] zero
    at first, so that an untrained one changes nothing.

    config: of the model. options: `lora_rank`, `lora_alpha` and `lora_layers`.
    seed: of the random matrices. by_name: the variables, beside the names of the model's.
    """

    def __init__(self, config: GPT2Config, options: TrainingOptions, seed: int) -> None:
        super().__init__(name="lora")
        self._scale = options.lora_alpha / options.lora_rank
        self._dense = [
            f"model/h{layer}/{name}"
            for layer in range(config.layers)
            for name in _DENSE_LAYERS[options.lora_layers]
        ]
        shapes = variable_shapes(config)
        self.by_name: dict[str, tf.Variable] = {}
        for dense in self._dense:
            _, width_in, width_out = shapes[f"{dense}/w"]
            first, second = f"{dense}/{LORA_A}", f"{dense}/{LORA_B}"
            drawn = normal(first, [width_in, options.lora_rank], seed, deviation=0.02)
            self.by_name[first] = tf.Variable(drawn)
            self.by_name[second] = tf.Variable(tf.zeros([options.lora_rank, width_out]))

    def scaled(self, name: str, value: tf.Tensor) -> tf.Tensor:
        """The value of a variable as the forward pass reads it: b holds the factor alpha / rank."""
        return value * self._scale if name.endswith(LORA_B) else value

    def merge_into(self, variables: Mapping[str, tf.Variable]) -> None:
        """Add the updates to the kernels [1, in, out] of the model's variables by name, in float32."""
        for dense in self._dense:
            second = self.scaled(LORA_B, self.by_name[f"{dense}/{LORA_B}"])
            update = tf.matmul(self.by_name[f"{dense}/{LORA_A}"], second)
            variables[f"{dense}/w"].assign_add(update[tf.newaxis])
