"""A small model of random weights, as a checkpoint, as an export, and loaded."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from serving.model import LanguageModel, load_model
from tests.serving.running_server import RunningServer, running_server
from tests.serving.small_model import BYTES, CONFIG
from tests.trainer.random_models import random_model
from trainer.export import export
from trainer.gpt2 import GPT2
from trainer.options import GenerationOptions
from trainer.weights.openai import write_openai


@pytest.fixture(scope="session")
def gpt2() -> GPT2:
    return random_model(CONFIG, seed=1)


@pytest.fixture(scope="session")
def checkpoint(gpt2: GPT2, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("checkpoint")
    write_openai(folder, CONFIG, {name: v.numpy() for name, v in gpt2.by_name.items()})
    return folder


@pytest.fixture(scope="session")
def saved_model(gpt2: GPT2, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("saved_model")
    export(gpt2, BYTES, GenerationOptions(), folder)
    return folder


@pytest.fixture(scope="session")
def model(saved_model: Path) -> LanguageModel:
    return load_model(saved_model)


@pytest.fixture(scope="session")
def server(saved_model: Path) -> Iterator[RunningServer]:
    """A server of the small model that all tests ask."""
    with running_server(lambda: saved_model) as found:
        yield found
