"""A decode state as tensors by name, which is how signatures take and give one."""

from collections.abc import Callable, Mapping
from typing import Any

import tensorflow as tf

from trainer.generation.decode_state import DecodeState
from trainer.gpt2 import Cache


def named(state: DecodeState) -> dict[str, tf.Tensor]:
    """The tensors of a state by name: its fields, and `keys_0`, `values_0` and so on of its cache."""
    tensors = state._asdict()
    for part, layers in tensors.pop("cache")._asdict().items():
        tensors |= {f"{part}_{number}": layer for number, layer in enumerate(layers)}
    return {name: tf.identity(value) for name, value in tensors.items()}


def unnamed(tensors: Mapping[str, Any], prefix: str = "") -> DecodeState:
    """The state of `named` among tensors, before whose names a prefix stands."""
    fields = {name: tensors.get(f"{prefix}{name}") for name in DecodeState._fields}
    layers = range(sum(name.startswith(f"{prefix}keys_") for name in tensors))
    parts = ([tensors[f"{prefix}{part}_{n}"] for n in layers] for part in Cache._fields)
    return DecodeState(**fields | {"cache": Cache(*parts)})


def traced(function: Callable[..., dict[str, tf.Tensor]], like: Mapping[str, Any]) -> Any:
    """A function as a graph, of keyword arguments with the names, shapes and types of these tensors."""
    types = {name: tf.TensorSpec(t.shape, t.dtype, name) for name, t in like.items()}
    return tf.function(function, autograph=False).get_concrete_function(**types)
