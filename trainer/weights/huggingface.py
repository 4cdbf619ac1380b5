"""Hugging Face's folders of a GPT-2, in and out: `config.json` and `model.safetensors`.

Read are one file or several with `model.safetensors.index.json`, names with and without the prefix
`transformer.`, float32, float16 and bfloat16 (both become float32, which loses nothing). A folder
saved by the library `transformers` is one; ours loads there.
"""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import safe_open
from safetensors.numpy import save_file

from preprocessing.base.errors import InputError
from trainer.config import GPT2Config
from trainer.stored_tensors import StoredTensor, UnreadableFileError, reading
from trainer.weights.format import REMEDY, Format, config_from, read_json_object, require_variables

CONFIG = "config.json"
WEIGHTS = "model.safetensors"
INDEX = "model.safetensors.index.json"
_UNREAD = ("pytorch_model*.bin", "tf_model*.h5", "flax_model*.msgpack")  # the first are pickles
_PREFIX = "transformer."
_HEAD, _EMBEDDING = "lm_head.weight", "wte.weight"

CONFIG_NAMES = {
    "vocabulary_size": "vocab_size",
    "context": "n_positions",
    "width": "n_embd",
    "heads": "n_head",
    "layers": "n_layer",
}
# Keys that change what a GPT-2 computes, and the values that are GPT-2 as OpenAI made it. A key that
# is absent has the first one.
_FIXED: dict[str, tuple[Any, ...]] = {
    "model_type": ("gpt2",),
    "activation_function": ("gelu_new", "gelu_pytorch_tanh"),
    "layer_norm_epsilon": (1e-5,),
    "scale_attn_weights": (True,),
    "scale_attn_by_inverse_layer_idx": (False,),
    "add_cross_attention": (False,),
    "tie_word_embeddings": (True,),
}
# the causal mask, which older versions of the library saved with the weights
_BUFFER = re.compile(r"h\.\d+\.attn\.(bias|masked_bias)")
_OUTSIDE = {
    "model/wte": _EMBEDDING,
    "model/wpe": "wpe.weight",
    "model/ln_f/g": "ln_f.weight",
    "model/ln_f/b": "ln_f.bias",
}
_KINDS = {"w": "weight", "g": "weight", "b": "bias"}


class HuggingFace(Format):
    """A Hugging Face folder of a GPT-2."""

    config_file = CONFIG
    weights_file = WEIGHTS
    kernel_axes = 2
    dtypes = ("F32", "F16", "BF16")

    def recognises(self, path: Path) -> bool:
        return (path / CONFIG).is_file()

    def read_config(self, path: Path) -> GPT2Config:
        file = path / CONFIG
        content = read_json_object(file)
        faults = [
            f"{file}: {key} is {content[key]!r}; only a GPT-2 with "
            f"{' or '.join(repr(value) for value in allowed)} can be loaded"
            for key, allowed in _FIXED.items()
            if key in content and content[key] not in allowed
        ]
        width, inner = content.get("n_embd"), content.get("n_inner")
        if inner is not None and isinstance(width, int) and inner != 4 * width:
            faults.append(
                f"{file}: n_inner is {inner!r}; it must be null or four times n_embd {width}"
            )
        if faults:
            raise InputError(*faults)
        return config_from(file, content, CONFIG_NAMES)

    @contextmanager
    def stored(self, path: Path) -> Iterator[dict[str, StoredTensor]]:
        with ExitStack() as stack:
            found = _open(path, stack)
            head, embedding = found.pop(_HEAD, None), found.get(_EMBEDDING)
            if head and embedding:
                found[_EMBEDDING] = embedding._replace(read=partial(_tied, embedding, head))
            yield {name: value for name, value in found.items() if not _BUFFER.fullmatch(name)}

    def parts(self, name: str) -> tuple[str, ...]:
        return (_their_name(name),)


def _tied(embedding: StoredTensor, head: StoredTensor) -> np.ndarray:
    """The token embedding; InputError where the output layer has another matrix."""
    value = embedding.read()
    if not np.array_equal(head.value(), value):
        raise InputError(
            f"{head.where}, shape {list(head.shape)}, is not equal to {_EMBEDDING}, shape "
            f"{list(embedding.shape)}; only a GPT-2 whose output is tied to its token embedding can "
            "be loaded"
        )
    return value


def write_huggingface(
    folder: Path, config: GPT2Config, variables: Mapping[str, np.ndarray], end_of_text: int
) -> None:
    """Write a folder that `from_pretrained` of the library `transformers` reads, without tokenizer.

    variables: float32 values by the names of `config.variable_shapes`; ValueError where one is
        missing, unknown or of another shape.
    end_of_text: the id that ends a text.
    """
    require_variables(config, variables)
    folder.mkdir(parents=True, exist_ok=True)
    content = {
        **{theirs: getattr(config, ours) for ours, theirs in CONFIG_NAMES.items()},
        **{key: allowed[0] for key, allowed in _FIXED.items()},
        "architectures": ["GPT2LMHeadModel"],
        "n_ctx": config.context,
        "n_inner": None,
        "bos_token_id": end_of_text,
        "eos_token_id": end_of_text,
        "torch_dtype": "float32",
    }
    text = json.dumps(content, indent=2, sort_keys=True)
    (folder / CONFIG).write_text(text + "\n", encoding="utf-8")
    theirs = {
        _PREFIX + _their_name(name): np.ascontiguousarray(value[0] if value.ndim == 3 else value)
        for name, value in variables.items()
    }
    save_file(theirs, folder / WEIGHTS, metadata={"format": "pt"})


def _open(path: Path, stack: ExitStack) -> dict[str, StoredTensor]:
    """Every stored tensor by its name without the prefix, of one file or of those in the index."""
    parts = _parts(path)
    stored: dict[str, StoredTensor] = {}
    for file, listed in parts.items():
        if not file.is_file():
            raise UnreadableFileError(f"{file}: there is no such file")
        with reading(file):
            # the header is compared with the file's length here
            reader = stack.enter_context(safe_open(file, framework="numpy"))
        keys = set(reader.keys())
        if listed is not None and keys != listed:
            key = min(keys ^ listed)
            where = "in the file and not in" if key in keys else "not in the file, but in"
            raise InputError(f"{file}: {key} is {where} {INDEX}; take both from one model")
        for key in sorted(keys):
            name = key.removeprefix(_PREFIX)
            if name in stored:
                raise InputError(f"{file}: {key} is there twice; take the files from one model")
            view = reader.get_slice(key)
            stored[name] = StoredTensor(
                f"{file}: {key}",
                tuple(view.get_shape()),
                str(view.get_dtype()),
                partial(reader.get_tensor, key),
            )
    return stored


def _parts(path: Path) -> dict[Path, set[str] | None]:
    """The files that hold the weights, with the names that the index says are in each."""
    index = path / INDEX
    if (path / WEIGHTS).is_file():
        return {path / WEIGHTS: None}
    if not index.is_file():
        others = sorted(file.name for pattern in _UNREAD for file in path.glob(pattern))
        remedy = (
            f"{others[0]} is not read, so have `save_pretrained` write it" if others else REMEDY
        )
        raise InputError(f"{path / WEIGHTS}: there is no such file; {remedy}")
    weight_map = read_json_object(index).get("weight_map")
    if not isinstance(weight_map, dict) or not weight_map:
        raise InputError(f"{index}: weight_map is {weight_map!r}; it must name a file per tensor")
    parts: dict[Path, set[str] | None] = {}
    for file in sorted({str(file) for file in weight_map.values()}):
        if file != Path(file).name:
            raise InputError(f"{index}: weight_map names {file!r}, which is not in this folder")
        parts[path / file] = {name for name, place in weight_map.items() if place == file}
    return parts


def _their_name(name: str) -> str:
    """`h.0.attn.c_attn.weight` for `model/h0/attn/c_attn/w`."""
    if name in _OUTSIDE:
        return _OUTSIDE[name]
    _, block, *parts, kind = name.split("/")
    return ".".join(["h", block.removeprefix("h"), *parts, _KINDS[kind]])
