"""A decode state as tensors by name, which is how signatures take and give one."""

from collections.abc import Callable, Mapping
from typing import Any

import tensorflow as tf

from trainer.generation.decode_state import DecodeState
from trainer.gpt2 import GPT2, Cache

_CACHE = ("keys", "values")
_OTHER = "other_"  # before the names of the tensors of a second state


def named(state: DecodeState) -> dict[str, tf.Tensor]:
    """The tensors of a state by name: its fields, and `keys_0`, `values_0` and so on of its cache."""
    tensors = state._asdict()
    cache = tensors.pop("cache")
    for part, layers in zip(_CACHE, cache, strict=True):
        tensors |= {f"{part}_{number}": layer for number, layer in enumerate(layers)}
    return {name: tf.identity(value) for name, value in tensors.items()}


def unnamed(tensors: Mapping[str, Any]) -> DecodeState:
    """The state of `named`, of tensors or of their types."""
    others = {name: value for name, value in tensors.items() if name in DecodeState._fields}
    layers = range((len(tensors) - len(others)) // len(_CACHE))
    cache = Cache(*([tensors[f"{part}_{number}"] for number in layers] for part in _CACHE))
    return DecodeState(**others, cache=cache)


def state_types(model: GPT2) -> dict[str, tf.TensorSpec]:
    """The types of a model's state by name."""
    config = model.config
    shapes: dict[str, tuple[list[int | None], Any]] = {
        "tokens": ([None], tf.int32),
        "logits": ([None, config.vocabulary_size], tf.float32),
        "slots": ([None], tf.int32),
        "written": ([None], tf.int32),
        "texts": ([None], tf.string),
        "limits": ([None], tf.int32),
        "finished": ([None], tf.bool),
        "seen": ([None, config.vocabulary_size], tf.bool),
        "uniform": ([None, None], tf.float32),
        "temperature": ([None], tf.float32),
        "top_k": ([None], tf.int32),
        "top_p": ([None], tf.float32),
        "repetition_penalty": ([None], tf.float32),
        "stop": ([None], tf.string),
        "stopped_by": ([None, None], tf.bool),
    }
    layer = [None, config.heads, None, config.head_width]
    for part in _CACHE:
        shapes |= {f"{part}_{number}": (layer, model.precision) for number in range(config.layers)}
    return {name: tf.TensorSpec(shape, dtype, name) for name, (shape, dtype) in shapes.items()}


def both_unnamed(tensors: Mapping[str, Any]) -> tuple[DecodeState, DecodeState]:
    """Two states; the names of the second's tensors begin with `other_`."""
    second = {
        name.removeprefix(_OTHER): value
        for name, value in tensors.items()
        if name.startswith(_OTHER)
    }
    return unnamed({name: tensors[name] for name in second}), unnamed(second)


def both_types(types: Mapping[str, tf.TensorSpec]) -> dict[str, tf.TensorSpec]:
    """The types of two states, as `both_unnamed` takes them."""
    return {**types, **{f"{_OTHER}{name}": value for name, value in types.items()}}


def traced(
    function: Callable[..., Any], types: Mapping[str, tf.TensorSpec]
) -> Callable[..., dict[str, tf.Tensor]]:
    """A function of keyword arguments of these types as a graph."""
    renamed = {name: tf.TensorSpec(t.shape, t.dtype, name) for name, t in types.items()}
    return tf.function(function, autograph=False).get_concrete_function(**renamed)
