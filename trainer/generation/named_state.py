"""A decode state as tensors by name, which is how signatures take and give one."""

from collections.abc import Callable, Mapping
from typing import Any

import tensorflow as tf

from trainer.generation.decode_state import DecodeState
from trainer.gpt2 import Cache

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
    """The state of `named`."""
    others = {name: value for name, value in tensors.items() if name in DecodeState._fields}
    layers = range((len(tensors) - len(others)) // len(_CACHE))
    cache = Cache(*([tensors[f"{part}_{number}"] for number in layers] for part in _CACHE))
    return DecodeState(**others, cache=cache)


def both_unnamed(tensors: Mapping[str, Any]) -> tuple[DecodeState, DecodeState]:
    """Two states; the names of the second's tensors begin with `other_`."""
    second = {
        name.removeprefix(_OTHER): value
        for name, value in tensors.items()
        if name.startswith(_OTHER)
    }
    return unnamed({name: tensors[name] for name in second}), unnamed(second)


def both_named(state: Mapping[str, Any]) -> dict[str, Any]:
    """A state twice, as `both_unnamed` takes two."""
    return {**state, **{f"{_OTHER}{name}": value for name, value in state.items()}}


def traced(function: Callable[..., dict[str, tf.Tensor]], like: Mapping[str, Any]) -> Any:
    """A function as a graph, of keyword arguments with the names, shapes and types of these tensors."""
    types = {name: tf.TensorSpec(t.shape, t.dtype, name) for name, t in like.items()}
    return tf.function(function, autograph=False).get_concrete_function(**types)
