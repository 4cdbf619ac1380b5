"""The `.h5` files of gpt-tf2: a Keras 2 functional model saved whole (layout: Keras 2 `hdf5_format`).

The group `model_weights` has a group for each layer, whose attribute `weight_names` names its
datasets; `model_config` describes the layers. Query, key and value are kernels of their own there
and one joined kernel here. That code computes its norms with an epsilon of 1e-14; these weights
are computed with GPT-2's 1e-5, as they were before its fine-tuning.
"""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from preprocessing.base.errors import InputError
from trainer.config import GPT2Config, variable_shapes
from trainer.weights.checking import REMEDY, first_line, require_no_faults, shape_faults

SUFFIXES = (".h5", ".hdf5")
_WEIGHTS = "model_weights"
_CONFIG = "model_config"
_TOKENS, _POSITIONS = "Embed-Token", "Embed-Token-Pos"
_BLOCK = re.compile(r"Encode-(\d+)-MultiHeadAtt")

# What a variable is made of: layer and weight of each part, joined along the last axis. {b} is a
# block's `Encode-0`. Weights are named `layer_Wq` in layers with several kernels.
_ATTENTION, _MLP = "{b}-MultiHeadAtt", "{b}-FeedForward"
_IN_BLOCK: dict[str, tuple[tuple[str, str], ...]] = {
    "ln_1/g": ((f"{_ATTENTION}-Norm", "gamma"),),
    "ln_1/b": ((f"{_ATTENTION}-Norm", "beta"),),
    "attn/c_attn/w": tuple((_ATTENTION, f"{_ATTENTION}_W{part}") for part in "qkv"),
    "attn/c_attn/b": tuple((_ATTENTION, f"{_ATTENTION}_b{part}") for part in "qkv"),
    "attn/c_proj/w": ((_ATTENTION, f"{_ATTENTION}_Wo"),),
    "attn/c_proj/b": ((_ATTENTION, f"{_ATTENTION}_bo"),),
    "ln_2/g": ((f"{_MLP}-Norm", "gamma"),),
    "ln_2/b": ((f"{_MLP}-Norm", "beta"),),
    "mlp/c_fc/w": ((_MLP, f"{_MLP}_W1"),),
    "mlp/c_fc/b": ((_MLP, f"{_MLP}_b1"),),
    "mlp/c_proj/w": ((_MLP, f"{_MLP}_W2"),),
    "mlp/c_proj/b": ((_MLP, f"{_MLP}_b2"),),
}
_OUTSIDE = {
    "model/wte": (_TOKENS, "embeddings"),
    "model/wpe": (_POSITIONS, "embeddings"),
    "model/ln_f/g": ("Norm", "gamma"),
    "model/ln_f/b": ("Norm", "beta"),
}


def recognises(path: Path) -> bool:
    """Whether a path looks like a Keras 2 file."""
    return path.suffix in SUFFIXES and path.is_file()


def read_config(path: Path) -> GPT2Config:
    """The config in a file: shapes of its embeddings, its blocks, and `head_num` of the attention.

    Raises InputError where the file is truncated or another model.
    """
    with _open(path) as file:
        datasets = _datasets(path, file)
        blocks = {int(match[1]) for layer, _ in datasets if (match := _BLOCK.fullmatch(layer))}
        shapes = {}
        for name in ("model/wte", "model/wpe"):
            layer, weight = _OUTSIDE[name]
            dataset = datasets.get((layer, weight))
            if dataset is None or dataset.ndim != 2:
                found = "none" if dataset is None else list(dataset.shape)
                raise InputError(
                    f"{path}: {layer}/{weight}: expected a shape of two axes, found {found}; give "
                    "a file that gpt-tf2 saved"
                )
            shapes[name] = dataset.shape
        try:
            return GPT2Config(
                vocabulary_size=int(shapes["model/wte"][0]),
                context=int(shapes["model/wpe"][0]),
                width=int(shapes["model/wte"][1]),
                heads=_heads(path, file),
                layers=len(blocks),
            )
        except InputError as error:
            raise InputError(*(f"{path}: {message}" for message in error.messages)) from None


def tensors(path: Path, config: GPT2Config) -> Iterator[tuple[str, np.ndarray]]:
    """Name and value of every variable, as `weights.Format` says."""
    with _open(path) as file:
        datasets = _datasets(path, file)
        table = _table(config)
        _check(path, config, table, datasets)
        for name, shape in variable_shapes(config).items():
            try:
                values = [datasets[part][()] for part in table[name]]
            except (OSError, RuntimeError) as error:
                parts = ", ".join("/".join(part) for part in table[name])
                raise InputError(
                    f"{path}: {parts} cannot be read ({first_line(error)}); {REMEDY}"
                ) from error
            yield name, np.concatenate(values, axis=-1).reshape(shape)


def _table(config: GPT2Config) -> dict[str, tuple[tuple[str, str], ...]]:
    """The parts, (layer, weight), of every variable."""
    table: dict[str, tuple[tuple[str, str], ...]] = {
        name: (part,) for name, part in _OUTSIDE.items()
    }
    for number in range(config.layers):
        for name, parts in _IN_BLOCK.items():
            table[f"model/h{number}/{name}"] = tuple(
                (layer.format(b=f"Encode-{number}"), weight.format(b=f"Encode-{number}"))
                for layer, weight in parts
            )
    return table


def _check(
    path: Path,
    config: GPT2Config,
    table: Mapping[str, tuple[tuple[str, str], ...]],
    datasets: Mapping[tuple[str, str], h5py.Dataset],
) -> None:
    """InputError with every name, shape and type that is not the config's."""
    expected = {}
    for name, shape in variable_shapes(config).items():
        flat = shape[-2:] if len(shape) == 3 else shape  # a kernel is [in, out] there
        parts = table[name]
        for layer, weight in parts:
            expected[f"{layer}/{weight}"] = (*flat[:-1], flat[-1] // len(parts))
    found = {"/".join(part): tuple(dataset.shape) for part, dataset in datasets.items()}
    faults = shape_faults(found, expected)
    faults += [
        f"{'/'.join(part)}: expected float32, found {dataset.dtype}"
        for part, dataset in datasets.items()
        if dataset.dtype != np.float32
    ]
    require_no_faults(faults, path, f"its {_CONFIG}")


def _open(path: Path) -> h5py.File:
    """The file, open for reading; InputError where HDF5 finds it cut or damaged."""
    try:
        return h5py.File(path, "r")
    except OSError as error:
        raise InputError(f"{path}: truncated or damaged ({first_line(error)}); {REMEDY}") from error


def _datasets(path: Path, file: h5py.File) -> dict[tuple[str, str], h5py.Dataset]:
    """Every weight of the file by layer and weight name, the scopes and the `:0` left out."""
    try:
        group = file[_WEIGHTS]
        datasets = {}
        for layer in _strings(group, "layer_names"):
            for name in _strings(group[layer], "weight_names"):
                weight = name.rsplit("/", 1)[-1].removesuffix(":0")
                datasets[layer, weight] = group[layer][name]
        return datasets
    except (KeyError, OSError, RuntimeError, AttributeError) as error:
        raise InputError(
            f"{path}: not a model that Keras 2 saved whole ({first_line(error)}); give a file that "
            "gpt-tf2 saved"
        ) from error


def _strings(group: h5py.Group, attribute: str) -> list[str]:
    """A list of names, which Keras cuts into numbered attributes where it is long."""
    if attribute in group.attrs:
        values = list(group.attrs[attribute])
    else:
        values, number = list(group.attrs[f"{attribute}0"]), 1
        while f"{attribute}{number}" in group.attrs:
            values += list(group.attrs[f"{attribute}{number}"])
            number += 1
    return [_text(value) for value in values]


def _heads(path: Path, file: h5py.File) -> int:
    """`head_num` of the first block's attention, which no shape shows."""
    try:
        layers = json.loads(_text(file.attrs[_CONFIG]))["config"]["layers"]
        (heads,) = {
            layer["config"]["head_num"]
            for layer in layers
            if _BLOCK.fullmatch(layer["config"]["name"])
        }
        return heads
    except (KeyError, ValueError, TypeError) as error:
        raise InputError(
            f"{path}: {_CONFIG} does not give one head_num for every Encode-*-MultiHeadAtt "
            f"({type(error).__name__}: {first_line(error)}); give a file of the whole model, not of "
            "its weights alone"
        ) from error


def _text(value: Any) -> str:
    """An attribute's text, which h5py gives as bytes or as str."""
    return value.decode("utf-8") if isinstance(value, bytes) else str(value)
