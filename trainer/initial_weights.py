"""The weights that a model begins with when it is not read from a checkpoint."""

import math
import zlib
from collections.abc import Sequence

import tensorflow as tf

from trainer.config import GPT2Config


def initial_value(
    config: GPT2Config, name: str, shape: Sequence[int], seed: int | None
) -> tf.Tensor:
    """Initial weights of a variable: those of section 2.3 of the paper and of OpenAI's code.

    Norms are 1 and 0, biases 0; matrices are normal with deviation 0.02, positions 0.01, and
    what is added to the residual stream 0.02 / sqrt(2 layers). Depends on seed and name alone.
    """
    if seed is None or name.endswith("/b"):
        return tf.zeros(shape)
    if name.endswith("/g"):
        return tf.ones(shape)
    deviation = 0.01 if name == "model/wpe" else 0.02
    if name.endswith("c_proj/w"):
        deviation /= math.sqrt(2 * config.layers)
    return normal(name, shape, seed, deviation)


def normal(name: str, shape: Sequence[int], seed: int, deviation: float) -> tf.Tensor:
    """Normal random numbers float32 for the variable of a name, by seed and name alone."""
    own_seed = tf.constant([seed, zlib.crc32(name.encode())], tf.int64)
    return tf.random.stateless_normal(shape, own_seed, stddev=deviation, alg="philox")
