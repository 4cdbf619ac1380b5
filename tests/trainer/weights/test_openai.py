"""OpenAI checkpoint folders: round trips, and every way in which one can be wrong."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from preprocessing.base.errors import InputError
from tests.trainer.random_models import SMALL, random_model
from trainer.config import SIZES, variable_shapes
from trainer.gpt2 import GPT2
from trainer.weights import read_config, read_weights
from trainer.weights.loading import load_into, load_model
from trainer.weights.openai import write_openai

DATA = "model.ckpt.data-00000-of-00001"


def values() -> dict[str, np.ndarray]:
    return {name: v.numpy() for name, v in random_model(SMALL, seed=4).by_name.items()}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A checkpoint folder of the small model."""
    write_openai(tmp_path / "small", SMALL, values())
    return tmp_path / "small"


def write_tensors(folder: Path, tensors: dict[str, np.ndarray]) -> None:
    """Overwrite the tensors of a checkpoint, whatever they are."""
    tf.raw_ops.SaveV2(
        prefix=str(folder / "model.ckpt"),
        tensor_names=list(tensors),
        shape_and_slices=[""] * len(tensors),
        tensors=list(tensors.values()),
    )


def test_what_is_written_is_read_bit_for_bit(folder: Path) -> None:
    config, found = read_weights(folder)
    assert config == SMALL
    expected = values()
    assert list(found) == list(variable_shapes(SMALL))
    for name, value in expected.items():
        np.testing.assert_array_equal(found[name], value)


def test_a_folder_whose_name_looks_like_a_pattern_is_read(tmp_path: Path) -> None:
    write_openai(tmp_path / "exp [1]", SMALL, values())
    np.testing.assert_array_equal(
        read_weights(tmp_path / "exp [1]")[1]["model/wte"], values()["model/wte"]
    )


def test_the_folder_is_a_checkpoint_to_tensorflow_and_has_openais_files(folder: Path) -> None:
    files = {path.name for path in folder.iterdir()}
    assert files == {"checkpoint", "hparams.json", "model.ckpt.index", DATA}
    assert tf.train.latest_checkpoint(str(folder)) == str(folder / "model.ckpt")
    assert json.loads((folder / "hparams.json").read_text()) == {
        "n_vocab": 61,
        "n_ctx": 24,
        "n_embd": 32,
        "n_head": 4,
        "n_layer": 2,
    }


def test_a_checkpoint_of_the_1_x_saver_is_read(folder: Path) -> None:
    tensors = values()
    graph = tf.Graph()
    with graph.as_default(), tf.compat.v1.Session() as session:
        for name, value in tensors.items():
            tf.compat.v1.get_variable(name, initializer=value)
        session.run(tf.compat.v1.global_variables_initializer())
        tf.compat.v1.train.Saver().save(session, str(folder / "model.ckpt"))
    _, found = read_weights(folder)
    for name, value in tensors.items():
        np.testing.assert_array_equal(found[name], value)


def test_a_loaded_model_gives_the_logits_of_the_one_saved(folder: Path, ids: tf.Tensor) -> None:
    np.testing.assert_array_equal(load_model(folder)(ids), random_model(SMALL, seed=4)(ids))


def test_shapes_are_those_of_openais_124m(genuine: Path) -> None:
    listed = json.loads((genuine / "gpt2" / "124M_variable_shapes.json").read_text())
    assert variable_shapes(SIZES["124M"]) == {
        name: tuple(shape) for name, (shape, _) in listed.items()
    }


def test_every_wrong_name_and_shape_is_listed_at_once(folder: Path) -> None:
    tensors = values()
    del tensors["model/h1/ln_2/g"]
    tensors["model/h7/ln_2/g"] = np.zeros([32], np.float32)
    tensors["model/wpe"] = tensors["model/wpe"][:20]
    tensors["model/wte"] = tensors["model/wte"].astype(np.float64)
    write_tensors(folder, tensors)
    with pytest.raises(InputError) as caught:
        read_weights(folder)
    text = str(caught.value)
    assert "model.ckpt.index" in text
    assert "model/h1/ln_2/g: expected shape [32], found none" in text
    assert "model/h7/ln_2/g: not known here, found [32]" in text
    assert "model/wpe: expected shape [24, 32], found [20, 32]" in text
    assert "model/wte: expected float32, found float64" in text


@pytest.mark.parametrize("kept", [0.0, 0.5, 0.99])
def test_a_truncated_data_file_is_noticed(folder: Path, kept: float) -> None:
    content = (folder / DATA).read_bytes()
    (folder / DATA).write_bytes(content[: int(len(content) * kept)])
    with pytest.raises(InputError, match=rf"(?s){DATA}.*truncated.*again"):
        read_weights(folder)


def test_an_altered_byte_is_noticed(folder: Path) -> None:
    content = bytearray((folder / DATA).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / DATA).write_bytes(content)
    with pytest.raises(InputError, match=rf"(?s){DATA}.*again"):
        read_weights(folder)


def test_a_missing_data_file_is_named(folder: Path) -> None:
    (folder / DATA).unlink()
    with pytest.raises(InputError, match=DATA):
        read_weights(folder)


@pytest.mark.parametrize("kept", [0.0, 0.5, 0.95])
def test_a_truncated_index_is_noticed(folder: Path, kept: float) -> None:
    index = folder / "model.ckpt.index"
    index.write_bytes(index.read_bytes()[: int(index.stat().st_size * kept)])
    with pytest.raises(InputError, match=r"model\.ckpt\.index.*again"):
        read_weights(folder)


def test_a_missing_index_is_named(folder: Path) -> None:
    (folder / "model.ckpt.index").unlink()
    with pytest.raises(InputError, match=r"model\.ckpt\.index: there is no such file"):
        read_weights(folder)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"n_vocab": 61', "not readable as JSON"),
        ("[]", "not a JSON object but list"),
        ('{"n_vocab": 61, "n_ctx": 24, "n_embd": 32}', "n_head, n_layer missing"),
        (
            '{"n_vocab": 61, "n_ctx": 24, "n_embd": 32, "n_head": 5, "n_layer": 2}',
            "not a multiple",
        ),
        (
            '{"n_vocab": "61", "n_ctx": 24, "n_embd": 32, "n_head": 4, "n_layer": 2}',
            "vocabulary_size is '61'",
        ),
        (
            '{"n_vocab": 61, "n_ctx": 24, "n_embd": 32, "n_head": 0, "n_layer": true}',
            r"heads is 0; .*\n.*hparams\.json: model: layers is True; it must be a whole number",
        ),
    ],
)
def test_malformed_hparams_are_named(folder: Path, content: str, message: str) -> None:
    (folder / "hparams.json").write_text(content)
    with pytest.raises(InputError, match=rf"hparams\.json: .*{message}"):
        read_config(folder)


def test_a_folder_without_hparams_is_no_checkpoint(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no weights; expected hparams\.json .* without them"):
        read_weights(tmp_path)


def test_hparams_of_another_model_do_not_load(folder: Path) -> None:
    hparams = json.loads((folder / "hparams.json").read_text())
    (folder / "hparams.json").write_text(json.dumps({**hparams, "n_layer": 3}))
    with pytest.raises(InputError, match="model/h2/attn/c_attn/w: expected shape"):
        read_weights(folder)


def test_a_base_of_another_size_names_the_key_and_both_values(folder: Path) -> None:
    model = GPT2(replace(SMALL, layers=3, context=30))
    with pytest.raises(InputError) as caught:
        load_into(model, folder)
    text = str(caught.value)
    assert "set model.context to 24; set model.layers to 2" in text
    assert "layers 2 in the checkpoint and 3 in model" in text
    assert "context 24 in the checkpoint and 30 in model" in text
    assert "width" not in text


def test_writing_checks_names_and_shapes_too(tmp_path: Path) -> None:
    tensors = values()
    del tensors["model/wte"]
    with pytest.raises(ValueError, match="model/wte: expected shape"):
        write_openai(tmp_path, SMALL, tensors)
