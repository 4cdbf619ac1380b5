"""Hugging Face folders: what is written and read, and every way in which one can be wrong."""

import json
import re
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest
import tensorflow as tf
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from preprocessing.base.errors import InputError
from tests.trainer.random_models import SMALL, random_model
from trainer.weights import read_config, read_weights
from trainer.weights.huggingface import write_huggingface
from trainer.weights.loading import load_model

Tensors = dict[str, np.ndarray]
BUFFERS = {
    "transformer.h.0.attn.bias": np.ones([1, 1, 24, 24], np.uint8),
    "transformer.h.1.attn.masked_bias": np.array(-10000.0, np.float32),
}


def values() -> Tensors:
    return {name: v.numpy() for name, v in random_model(SMALL, seed=4).by_name.items()}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of the small model."""
    write_huggingface(tmp_path / "small", SMALL, values(), end_of_text=60)
    return tmp_path / "small"


def stored(folder: Path) -> Tensors:
    return load_file(folder / "model.safetensors")


def store(folder: Path, tensors: Tensors) -> None:
    save_file(tensors, folder / "model.safetensors")


def configure(folder: Path, **changed: Any) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changed))


def write_shards(folder: Path, tensors: Tensors) -> None:
    """Two files and their index in place of one file."""
    (folder / "model.safetensors").unlink()
    names = sorted(tensors)
    weight_map = {}
    for number, part in enumerate((names[:9], names[9:]), start=1):
        file = f"model-{number:05d}-of-00002.safetensors"
        save_file({name: tensors[name] for name in part}, folder / file)
        weight_map |= dict.fromkeys(part, file)
    index = {"metadata": {"total_size": 0}, "weight_map": weight_map}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))


def assert_whole(folder: Path) -> None:
    config, found = read_weights(folder)
    assert config == SMALL
    expected = values()
    assert list(found) == list(expected)
    for name, value in expected.items():
        np.testing.assert_array_equal(found[name], value)
        assert found[name].dtype == np.float32


def test_what_is_written_is_read_bit_for_bit(folder: Path) -> None:
    assert_whole(folder)


def test_names_shapes_and_config_are_those_of_the_library(folder: Path) -> None:
    with safe_open(folder / "model.safetensors", framework="numpy") as file:
        assert file.metadata() == {"format": "pt"}
    tensors = stored(folder)
    assert len(tensors) == 4 + 12 * SMALL.layers
    assert tensors["transformer.wte.weight"].shape == (61, 32)
    assert tensors["transformer.h.1.attn.c_attn.weight"].shape == (32, 96)
    assert tensors["transformer.h.0.ln_2.bias"].shape == (32,)
    config = json.loads((folder / "config.json").read_text())
    assert config["model_type"] == "gpt2"
    assert config["activation_function"] == "gelu_new"
    assert config["tie_word_embeddings"] is True
    assert config["eos_token_id"] == config["bos_token_id"] == 60
    assert (config["n_positions"], config["n_embd"], config["n_head"]) == (24, 32, 4)


def test_names_without_prefix_a_tied_head_and_buffers_are_read(folder: Path) -> None:
    tensors = {name.removeprefix("transformer."): value for name, value in stored(folder).items()}
    buffers = {name.removeprefix("transformer."): value for name, value in BUFFERS.items()}
    store(folder, {**tensors, **buffers, "lm_head.weight": tensors["wte.weight"].copy()})
    assert_whole(folder)


def test_shards_are_read(folder: Path) -> None:
    write_shards(folder, stored(folder) | BUFFERS)
    assert_whole(folder)


@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16])
def test_short_floats_become_float32_without_loss(folder: Path, dtype: type) -> None:
    save_as(folder, {name: value.astype(dtype) for name, value in stored(folder).items()})
    _, found = read_weights(folder)
    for name, value in values().items():
        assert found[name].dtype == np.float32
        np.testing.assert_array_equal(found[name], value.astype(dtype).astype(np.float32))


def save_as(folder: Path, tensors: Tensors) -> None:
    """Safetensors with bfloat16 too, which the library does not write from NumPy."""
    kinds = {"float16": "F16", "bfloat16": "BF16"}
    header: dict[str, Any] = {}
    content = b""
    for name, value in tensors.items():
        place = [len(content), len(content) + value.nbytes]
        header[name] = {
            "dtype": kinds[value.dtype.name],
            "shape": value.shape,
            "data_offsets": place,
        }
        content += value.tobytes()
    head = json.dumps(header).encode()
    path = folder / "model.safetensors"
    path.write_bytes(len(head).to_bytes(8, "little") + head + content)


def test_a_loaded_model_gives_the_logits_of_the_one_saved(folder: Path, ids: tf.Tensor) -> None:
    np.testing.assert_array_equal(load_model(folder)(ids), random_model(SMALL, seed=4)(ids))


def test_every_wrong_name_shape_and_type_is_listed_at_once(folder: Path) -> None:
    tensors = stored(folder)
    del tensors["transformer.h.1.ln_2.weight"]
    tensors["transformer.h.7.ln_2.weight"] = np.zeros([32], np.float32)
    tensors["transformer.wpe.weight"] = tensors["transformer.wpe.weight"][:20]
    tensors["transformer.wte.weight"] = tensors["transformer.wte.weight"].astype(np.float64)
    kernel = tensors["transformer.h.0.mlp.c_fc.weight"]
    tensors["transformer.h.0.mlp.c_fc.weight"] = np.ascontiguousarray(kernel.T)
    store(folder, tensors)
    with pytest.raises(InputError) as caught:
        read_weights(folder)
    text = str(caught.value)
    assert "model.safetensors" in text
    assert "h.1.ln_2.weight: expected shape [32], found none" in text
    assert "h.7.ln_2.weight: not known here, found [32]" in text
    assert "wpe.weight: expected shape [24, 32], found [20, 32]" in text
    assert "h.0.mlp.c_fc.weight: expected shape [32, 128], found [128, 32]" in text
    assert "wte.weight: expected F32, F16, BF16, found F64" in text


def test_a_head_that_is_not_the_embedding_is_refused(folder: Path) -> None:
    tensors = stored(folder)
    head = tensors["transformer.wte.weight"].copy()
    head[3, 5] += 1
    store(folder, tensors | {"lm_head.weight": head})
    with pytest.raises(InputError, match=r"lm_head\.weight, shape \[61, 32\], is not equal"):
        read_weights(folder)
    del tensors["transformer.wte.weight"]
    store(folder, tensors | {"lm_head.weight": head})
    with pytest.raises(InputError, match=r"wte\.weight: expected shape \[61, 32\], found none"):
        read_weights(folder)


@pytest.mark.parametrize("kept", [0.0, 0.001, 0.5, 0.999])
def test_a_truncated_file_is_noticed(folder: Path, kept: float) -> None:
    path = folder / "model.safetensors"
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * kept)])
    with pytest.raises(InputError, match=r"model\.safetensors: truncated or damaged .*again"):
        read_weights(folder)


def test_a_missing_file_is_named(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    with pytest.raises(InputError, match=r"model\.safetensors: there is no such file"):
        read_weights(folder)


@pytest.mark.parametrize(
    "name", ["pytorch_model.bin", "pytorch_model-00001-of-00002.bin", "tf_model.h5"]
)
def test_weights_in_another_form_are_named_with_the_remedy(folder: Path, name: str) -> None:
    (folder / "model.safetensors").rename(folder / name)
    with pytest.raises(InputError, match=rf"no such file; {name} is not read.*save_pretrained"):
        read_weights(folder)


def test_a_missing_shard_is_named(folder: Path) -> None:
    write_shards(folder, stored(folder))
    (folder / "model-00002-of-00002.safetensors").unlink()
    with pytest.raises(InputError, match=r"model-00002-of-00002\.safetensors: there is no such"):
        read_weights(folder)


def test_a_file_in_place_of_its_folder_is_named(folder: Path) -> None:
    with pytest.raises(InputError, match=r"found another file .* name the folder"):
        read_weights(folder / "model.safetensors")


@pytest.mark.parametrize(
    ("told", "where"),
    [("transformer.a.weight", "not in the file, but in"), (None, "in the file and not in")],
)
def test_it_is_said_on_which_side_a_tensor_is(folder: Path, told: str | None, where: str) -> None:
    write_shards(folder, stored(folder))
    index = folder / "model.safetensors.index.json"
    weight_map = json.loads(index.read_text())["weight_map"]
    first, file = min(weight_map.items())
    weight_map |= {told: file} if told else {}
    if not told:
        del weight_map[first]
    index.write_text(json.dumps({"weight_map": weight_map}))
    with pytest.raises(InputError, match=re.escape(f"{told or first} is {where} ")):
        read_weights(folder)


def test_swapped_shards_do_not_load(folder: Path) -> None:
    write_shards(folder, stored(folder))
    first, second = sorted(folder.glob("model-*.safetensors"))
    first.rename(folder / "x")
    second.rename(first)
    (folder / "x").rename(second)
    with pytest.raises(InputError, match=r"model-00001-of-00002.*take both from one model"):
        read_weights(folder)


@pytest.mark.parametrize(
    ("weight_map", "message"),
    [
        ({"wte.weight": "../elsewhere.safetensors"}, "'../elsewhere.safetensors', which is not in"),
        ({"wte.weight": "/elsewhere.safetensors"}, "'/elsewhere.safetensors', which is not in"),
        ({"wte.weight": 7}, "7: there is no such file"),
        ({}, "weight_map is {}; it must name a file per tensor"),
        (["wte.weight"], "it must name a file per tensor"),
        (None, "weight_map is None"),
    ],
)
def test_an_index_names_files_of_its_folder_only(
    folder: Path, weight_map: Any, message: str
) -> None:
    write_shards(folder, stored(folder))
    index = folder / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": weight_map}))
    with pytest.raises(InputError, match=re.escape(message)):
        read_weights(folder)


def test_a_tensor_under_two_names_does_not_load(folder: Path) -> None:
    tensors = stored(folder)
    store(folder, tensors | {"wte.weight": tensors["transformer.wte.weight"].copy()})
    with pytest.raises(InputError, match=r"wte\.weight is there twice"):
        read_weights(folder)


def test_the_file_of_another_size_does_not_load(folder: Path) -> None:
    configure(folder, n_layer=3)
    with pytest.raises(InputError, match=r"h\.2\.attn\.c_attn\.weight: expected shape \[32, 96\]"):
        read_weights(folder)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("model_type", "llama"),
        ("activation_function", "relu"),
        ("layer_norm_epsilon", 1e-6),
        ("scale_attn_weights", False),
        ("scale_attn_by_inverse_layer_idx", True),
        ("add_cross_attention", True),
        ("tie_word_embeddings", False),
        ("n_inner", 100),
    ],
)
def test_a_config_of_another_computation_is_refused(folder: Path, key: str, value: Any) -> None:
    configure(folder, **{key: value})
    with pytest.raises(InputError, match=rf"config\.json: {key} is "):
        read_config(folder)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"n_embd": ', "not readable as JSON"),
        ("[]", "not a JSON object"),
        ('{"n_embd": 32, "vocab_size": 61}', "n_head, n_layer, n_positions missing"),
    ],
)
def test_a_malformed_config_is_named(folder: Path, content: str, message: str) -> None:
    (folder / "config.json").write_text(content)
    with pytest.raises(InputError, match=rf"config\.json: .*{message}"):
        read_config(folder)


def test_writing_checks_names_and_shapes_too(tmp_path: Path) -> None:
    tensors = values()
    tensors["model/wte"] = tensors["model/wte"][1:]
    with pytest.raises(ValueError, match=r"model/wte: expected shape \[61, 32\], found \[60, 32\]"):
        write_huggingface(tmp_path, SMALL, tensors, end_of_text=60)
