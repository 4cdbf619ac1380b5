"""The `.h5` files of gpt-tf2: a Keras 2 functional model saved whole (layout: Keras 2 `hdf5_format`).

The group `model_weights` has a group for each layer with its datasets; `model_config` describes the
layers. Query, key and value are kernels of their own there and one joined kernel here. That code
computes its norms with an epsilon of 1e-14; these weights are computed with GPT-2's 1e-5, as they
were before its fine-tuning.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import h5py

from preprocessing.base.errors import InputError
from preprocessing.base.json_text import parse_json
from trainer.config import GPT2Config
from trainer.stored_tensors import StoredTensor, first_line, reading
from trainer.weights.format import Format, config_from, remedied

_SUFFIXES = (".h5", ".hdf5")
_WEIGHTS = "model_weights"
_CONFIG = "model_config"
_BLOCK = re.compile(r"Encode-(\d+)-MultiHeadAtt/")

# What a variable is made of, as `layer/weight`: the parts are joined along the last axis. {b} is a block's
# `Encode-0`. Weights are named `layer_Wq` in layers with several kernels.
_IN_BLOCK: dict[str, tuple[str, ...]] = {
    "ln_1/g": ("{b}-MultiHeadAtt-Norm/gamma",),
    "ln_1/b": ("{b}-MultiHeadAtt-Norm/beta",),
    "attn/c_attn/w": tuple(f"{{b}}-MultiHeadAtt/{{b}}-MultiHeadAtt_W{part}" for part in "qkv"),
    "attn/c_attn/b": tuple(f"{{b}}-MultiHeadAtt/{{b}}-MultiHeadAtt_b{part}" for part in "qkv"),
    "attn/c_proj/w": ("{b}-MultiHeadAtt/{b}-MultiHeadAtt_Wo",),
    "attn/c_proj/b": ("{b}-MultiHeadAtt/{b}-MultiHeadAtt_bo",),
    "ln_2/g": ("{b}-FeedForward-Norm/gamma",),
    "ln_2/b": ("{b}-FeedForward-Norm/beta",),
    "mlp/c_fc/w": ("{b}-FeedForward/{b}-FeedForward_W1",),
    "mlp/c_fc/b": ("{b}-FeedForward/{b}-FeedForward_b1",),
    "mlp/c_proj/w": ("{b}-FeedForward/{b}-FeedForward_W2",),
    "mlp/c_proj/b": ("{b}-FeedForward/{b}-FeedForward_b2",),
}
_OUTSIDE = {
    "model/wte": ("Embed-Token/embeddings",),
    "model/wpe": ("Embed-Token-Pos/embeddings",),
    "model/ln_f/g": ("Norm/gamma",),
    "model/ln_f/b": ("Norm/beta",),
}


class KerasH5(Format):
    """A file that gpt-tf2 saved."""

    config_file = f"its {_CONFIG}"
    weights_file = ""
    kernel_axes = 2

    def recognises(self, path: Path) -> bool:
        return path.suffix in _SUFFIXES and path.is_file()

    def read_config(self, path: Path) -> GPT2Config:
        """The shapes of its embeddings, its blocks, and `head_num` of the attention."""
        with _open(path) as file:
            stored = _stored(path, file)
            blocks = {match[1] for key in stored if (match := _BLOCK.match(key))}
            shapes = {}
            for name in ("model/wte", "model/wpe"):
                (key,) = _OUTSIDE[name]
                found = list(stored[key].shape) if key in stored else "none"
                if len(found) != 2:
                    raise InputError(
                        f"{path}: {key}: expected a shape of two axes, found {found}; give a file "
                        "that gpt-tf2 saved"
                    )
                shapes[name] = found
            content = {
                "vocabulary_size": shapes["model/wte"][0],
                "context": shapes["model/wpe"][0],
                "width": shapes["model/wte"][1],
                "heads": _heads(path, file),
                "layers": len(blocks),
            }
            return config_from(path, content, {key: key for key in content})

    @contextmanager
    def stored(self, path: Path) -> Iterator[dict[str, StoredTensor]]:
        with _open(path) as file:
            yield _stored(path, file)

    def parts(self, name: str) -> tuple[str, ...]:
        if name in _OUTSIDE:
            return _OUTSIDE[name]
        _, block, name_in_block = name.split("/", 2)
        number = block.removeprefix("h")
        return tuple(part.format(b=f"Encode-{number}") for part in _IN_BLOCK[name_in_block])


def _open(path: Path) -> h5py.File:
    """The file, open for reading; InputError where HDF5 finds it cut or damaged."""
    with remedied(), reading(path):
        return h5py.File(path, "r")


def _stored(path: Path, file: h5py.File) -> dict[str, StoredTensor]:
    """Every weight of the file as `layer/weight`, the scopes and the `:0` left out."""
    stored = {}

    def note(name: str, found: h5py.Group | h5py.Dataset) -> None:
        if isinstance(found, h5py.Dataset):
            layer, *_, weight = name.split("/")
            key = f"{layer}/{weight.removesuffix(':0')}"
            shape, dtype = tuple(map(int, found.shape)), str(found.dtype)
            read = partial(found.__getitem__, ())
            stored[key] = StoredTensor(f"{path}: {key}", shape, dtype, read)

    try:
        file[_WEIGHTS].visititems(note)
    except (KeyError, OSError, RuntimeError, AttributeError) as error:
        raise InputError(
            f"{path}: not a model that Keras 2 saved whole ({first_line(error)}); give a file that "
            "gpt-tf2 saved"
        ) from error
    return stored


def _heads(path: Path, file: h5py.File) -> int:
    """`head_num` of the first block's attention, which no shape shows."""
    try:
        layers = parse_json(file.attrs[_CONFIG])["config"]["layers"]
        (heads,) = {
            layer["config"]["head_num"]
            for layer in layers
            if _BLOCK.match(layer["config"]["name"] + "/")
        }
        return heads
    except (KeyError, ValueError, TypeError) as error:
        raise InputError(
            f"{path}: {_CONFIG} does not give one head_num for every Encode-*-MultiHeadAtt "
            f"({type(error).__name__}: {first_line(error)}); give a file of the whole model, not of "
            "its weights alone"
        ) from error
