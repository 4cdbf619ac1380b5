"""Files laid out as Keras 2 lays out a whole functional model, of the layers of gpt-tf2."""

import json
from collections.abc import Mapping
from pathlib import Path

import h5py
import numpy as np

from trainer.config import GPT2Config

Layers = dict[str, dict[str, np.ndarray]]


def layers_of(config: GPT2Config, variables: Mapping[str, np.ndarray]) -> Layers:
    """The weights of each layer by the names that its code gives them, in its order."""
    layers: Layers = {
        "Input": {},
        "Embed-Token": {"embeddings": variables["model/wte"]},
        "Embed-Token-Pos": {"embeddings": variables["model/wpe"]},
    }
    for number in range(config.layers):
        block, name = f"model/h{number}", f"Encode-{number}"
        attention, mlp = f"{name}-MultiHeadAtt", f"{name}-FeedForward"
        kernels = np.split(variables[f"{block}/attn/c_attn/w"][0], 3, axis=-1)
        biases = np.split(variables[f"{block}/attn/c_attn/b"], 3)
        joined: dict[str, np.ndarray] = {}
        for letter, kernel, bias in zip("qkv", kernels, biases, strict=True):
            joined[f"{attention}_W{letter}"] = kernel
            joined[f"{attention}_b{letter}"] = bias
        joined[f"{attention}_Wo"] = variables[f"{block}/attn/c_proj/w"][0]
        joined[f"{attention}_bo"] = variables[f"{block}/attn/c_proj/b"]
        layers[f"{attention}-Norm"] = norm(variables, f"{block}/ln_1")
        layers[attention] = joined
        layers[f"{attention}-Add"] = {}
        layers[f"{mlp}-Norm"] = norm(variables, f"{block}/ln_2")
        layers[mlp] = {
            f"{mlp}_W1": variables[f"{block}/mlp/c_fc/w"][0],
            f"{mlp}_b1": variables[f"{block}/mlp/c_fc/b"],
            f"{mlp}_W2": variables[f"{block}/mlp/c_proj/w"][0],
            f"{mlp}_b2": variables[f"{block}/mlp/c_proj/b"],
        }
        layers[f"{mlp}-Add"] = {}
    layers["Norm"] = norm(variables, "model/ln_f")
    layers["Output"] = {}
    return layers


def norm(variables: Mapping[str, np.ndarray], name: str) -> dict[str, np.ndarray]:
    return {"gamma": variables[f"{name}/g"], "beta": variables[f"{name}/b"]}


def write_keras_file(path: Path, layers: Layers, heads: int) -> None:
    """Write the file."""
    described = []
    for layer in layers:
        config: dict[str, object] = {"name": layer, "trainable": True}
        if layer.endswith("MultiHeadAtt"):
            config["head_num"] = heads
        described.append({"class_name": "Layer", "config": config, "name": layer})
    model = {"class_name": "Model", "config": {"name": "model", "layers": described}}
    with h5py.File(path, "w") as file:
        file.attrs["keras_version"] = b"2.2.4-tf"
        file.attrs["backend"] = b"tensorflow"
        file.attrs["model_config"] = json.dumps(model).encode()
        group = file.create_group("model_weights")
        group.attrs["layer_names"] = [layer.encode() for layer in layers]
        for layer, weights in layers.items():
            inner = group.create_group(layer)
            inner.attrs["weight_names"] = [f"{layer}/{name}:0".encode() for name in weights]
            for name, value in weights.items():
                inner.create_dataset(f"{layer}/{name}:0", data=value)
        file.create_group("optimizer_weights").create_dataset("Adam/iter:0", data=7)
