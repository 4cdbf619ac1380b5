"""We read what transformers saves, and it computes the same here."""

import json
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from pipeline.conversion import convert
from preprocessing.tokens.vocabulary import load_vocabulary
from tests.peers.conftest import RunPeer
from tests.trainer.random_models import random_model
from trainer.config import GPT2Config
from trainer.generation import Request, generate
from trainer.options import GenerationOptions
from trainer.weights import read_weights
from trainer.weights.huggingface import CONFIG_NAMES
from trainer.weights.loading import load_model
from trainer.weights.openai import write_openai

pytestmark = pytest.mark.long

BYTES = load_vocabulary("bytes")
CONFIG = GPT2Config(BYTES.size, context=32, width=48, heads=3, layers=2)


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory, run_peer: RunPeer) -> Path:
    """What `programs/saved_models.py` writes."""
    folder = tmp_path_factory.mktemp("saved")
    arguments = {theirs: getattr(CONFIG, ours) for ours, theirs in CONFIG_NAMES.items()}
    # no token ends a text
    arguments |= {"bos_token_id": None, "eos_token_id": None}
    run_peer("saved_models.py", json.dumps(arguments), folder)
    return folder


@pytest.fixture(scope="module")
def results(saved: Path) -> dict[str, np.ndarray]:
    with np.load(saved / "results.npz") as found:
        return dict(found)


@pytest.mark.parametrize("kind", ["whole", "sharded", "bfloat16"])
def test_a_saved_model_gives_its_logits_here(
    kind: str, saved: Path, results: dict[str, np.ndarray]
) -> None:
    model = load_model(saved / kind)
    assert model.config == CONFIG
    logits = model(tf.constant(results["ids"], tf.int32)).numpy()
    expected = results["bfloat16" if kind == "bfloat16" else "logits"]
    np.testing.assert_allclose(logits, expected, rtol=1e-5, atol=1e-4)


def test_shards_are_files_and_hold_the_same_weights(saved: Path) -> None:
    assert len([*(saved / "sharded").glob("model-*.safetensors")]) > 2
    _, whole = read_weights(saved / "whole")
    _, sharded = read_weights(saved / "sharded")
    for name, value in whole.items():
        assert sharded[name].tobytes() == value.tobytes(), name


def test_greedy_generation_is_equal_token_for_token(
    saved: Path, results: dict[str, np.ndarray]
) -> None:
    count, length = results["ids"].shape
    generated = generate(
        load_model(saved / "whole"),
        tf.RaggedTensor.from_tensor(tf.constant(results["ids"], tf.int32)),
        Request(length, temperature=0.0, stop=tf.constant([], tf.string)),
        seeds=tf.zeros([count, 2], tf.int64),
        token_bytes=tf.fill([CONFIG.vocabulary_size], "a"),
        end_of_text=-1,
    )
    np.testing.assert_array_equal(generated.ids, results["greedy"][:, length:])


def test_a_tf1_checkpoint_comes_back_from_transformers_bit_for_bit(
    folder: Path, run_peer: RunPeer
) -> None:
    variables = {name: v.numpy() for name, v in random_model(CONFIG, seed=9).by_name.items()}
    write_openai(folder / "tf1", CONFIG, variables)
    graph = tf.Graph()
    with graph.as_default(), tf.compat.v1.Session() as session:
        for name, value in variables.items():
            tf.compat.v1.get_variable(name, initializer=value)
        session.run(tf.compat.v1.global_variables_initializer())
        tf.compat.v1.train.Saver().save(session, str(folder / "tf1" / "model.ckpt"))
    options = GenerationOptions()
    convert(folder / "tf1", folder / "hf", "huggingface", BYTES, options)
    run_peer("save_again.py", folder / "hf", folder / "theirs")
    convert(folder / "theirs", folder / "back", "openai", BYTES, options)
    config, back = read_weights(folder / "back")
    assert config == CONFIG
    for name, value in variables.items():
        assert back[name].tobytes() == value.tobytes(), name
