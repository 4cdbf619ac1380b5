"""BaseModel: a checkpoint that cannot be trained is refused before any other node runs."""

import json
from pathlib import Path

import numpy as np
import pytest

from components.base_model import build
from components.declared import Declared
from pipeline.nodes import ALL_NODES
from preprocessing.base.errors import InputError
from tests.trainer.random_models import random_model
from trainer.config import GPT2Config
from trainer.weights.huggingface import write_huggingface
from trainer.weights.openai import write_openai

SHAPE = {"size": "tiny", "layers": 1, "heads": 2, "width": 16, "context": 16}


@pytest.fixture
def weights() -> dict[str, np.ndarray]:
    model = random_model(GPT2Config(257, context=16, width=16, heads=2, layers=1), seed=8)
    return {name: variable.numpy() for name, variable in model.by_name.items()}


def built(base: Path, **shape: int) -> str:
    """Where the component's artifact lies."""
    declared = Declared(
        inputs={},
        parameters={f"model.{name}": value for name, value in {**SHAPE, **shape}.items()},
        externals={"base_model": str(base), "vocabulary": "bytes"},
    )
    return str(build(declared).exec_properties["artifact_uri"])


def test_it_comes_before_what_reads_a_corpus() -> None:
    assert ALL_NODES[0].name == "BaseModel"


def test_a_checkpoint_of_the_shape_is_taken(tmp_path: Path, weights: dict[str, np.ndarray]) -> None:
    write_huggingface(tmp_path, GPT2Config(257, 16, 16, 2, 1), weights, end_of_text=256)
    assert built(tmp_path) == str(tmp_path)


def test_one_of_another_size_is_refused(tmp_path: Path, weights: dict[str, np.ndarray]) -> None:
    write_openai(tmp_path, GPT2Config(257, 16, 16, 2, 1), weights)
    with pytest.raises(
        InputError, match=r"layers 1 in the checkpoint and 2 in model; set model\.layers to 1$"
    ):
        built(tmp_path, layers=2)


@pytest.mark.parametrize(
    ("context", "remedy"),
    [
        (1024, "set model.size to 124M, with its own layers, heads, width and context"),
        (512, "set model.width to 768; set model.heads to 12; set model.layers to 12"),
    ],
)
def test_a_size_that_has_a_name_is_called_by_it(tmp_path: Path, context: int, remedy: str) -> None:
    config = {"n_positions": context, "n_embd": 768, "n_head": 12, "n_layer": 12}
    (tmp_path / "config.json").write_text(json.dumps({"vocab_size": 50257, **config}))
    with pytest.raises(InputError) as refusal:
        built(tmp_path, context=512)
    assert str(refusal.value).endswith(f"; {remedy}; set tokens.vocabulary to the checkpoint's")


def test_one_that_was_cut_off_is_refused(tmp_path: Path, weights: dict[str, np.ndarray]) -> None:
    write_openai(tmp_path, GPT2Config(257, 16, 16, 2, 1), weights)
    (data,) = tmp_path.glob("model.ckpt.data-*")
    data.write_bytes(data.read_bytes()[:-1000])
    with pytest.raises(InputError, match=r"model\.ckpt\.data-.*: truncated or damaged"):
        built(tmp_path)


def test_one_whose_weights_are_no_numbers_is_refused(
    tmp_path: Path, weights: dict[str, np.ndarray]
) -> None:
    weights["model/ln_f/b"][0] = np.inf
    write_huggingface(tmp_path, GPT2Config(257, 16, 16, 2, 1), weights, end_of_text=256)
    with pytest.raises(InputError, match="model/ln_f/b holds NaN or infinity"):
        built(tmp_path)
