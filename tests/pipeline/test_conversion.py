"""Conversions between all formats: bit for bit, whole or not at all."""

import json
import shutil
from functools import cache
from pathlib import Path
from typing import Protocol

import numpy as np
import pytest

from pipeline.conversion import Target, convert
from preprocessing.base.errors import FailureError, InputError
from preprocessing.tokens.vocabulary import load_vocabulary
from tests.small_files import files_of_at_most
from tests.trainer.random_models import random_model
from tests.trainer.weights.keras_files import layers_of, write_keras_file
from trainer.config import GPT2Config
from trainer.export_layout import METADATA_FILE
from trainer.gpt2 import Precision
from trainer.options import GenerationOptions
from trainer.weights import read_weights
from trainer.weights.openai import write_openai

BYTES = load_vocabulary("bytes")
CONFIG = GPT2Config(BYTES.size, context=16, width=8, heads=2, layers=1)


@pytest.fixture(scope="module")
def variables() -> dict[str, np.ndarray]:
    return {name: v.numpy() for name, v in random_model(CONFIG, seed=2).by_name.items()}


@pytest.fixture
def source(tmp_path: Path, variables: dict[str, np.ndarray]) -> Path:
    """An OpenAI folder."""
    write_openai(tmp_path / "source", CONFIG, variables)
    return tmp_path / "source"


class SavedModelOf(Protocol):
    """A SavedModel in a precision that a test may change: a copy of one of the module."""

    def __call__(self, precision: Precision) -> Path: ...


@pytest.fixture(scope="module")
def saved_models(
    tmp_path_factory: pytest.TempPathFactory, variables: dict[str, np.ndarray]
) -> SavedModelOf:
    """A SavedModel in a precision, made once, since that takes seconds; nobody writes to it."""
    folder = tmp_path_factory.mktemp("saved_models")
    write_openai(folder / "source", CONFIG, variables)

    @cache
    def made(precision: Precision) -> Path:
        return converted(folder / "source", precision, "savedmodel", precision)

    return made


@pytest.fixture
def saved_model(tmp_path: Path, saved_models: SavedModelOf) -> SavedModelOf:
    return lambda precision: Path(shutil.copytree(saved_models(precision), tmp_path / "saved"))


def converted(source: Path, name: str, to: Target, precision: Precision | None = None) -> Path:
    destination = source.parent / name
    convert(source, destination, to, BYTES, GenerationOptions(), precision)
    return destination


def assert_holds(path: Path, variables: dict[str, np.ndarray]) -> None:
    config, found = read_weights(path)
    assert config == CONFIG
    for name, value in variables.items():
        assert found[name].tobytes() == value.tobytes(), name


@pytest.mark.parametrize(
    "stages",
    [
        # Each format is written and read.
        ["huggingface", "savedmodel", "openai", "huggingface"],
        # From each to each; to write a SavedModel takes seconds.
        pytest.param(
            ["huggingface", "openai", "savedmodel", "huggingface", "savedmodel", "openai"],
            marks=pytest.mark.long,
        ),
    ],
)
def test_a_round_through_all_formats_keeps_every_bit(
    stages: list[Target], tmp_path: Path, variables: dict[str, np.ndarray]
) -> None:
    variables = dict(variables)
    # values that a detour through another type or a sum would change
    variables["model/ln_f/b"] = np.array(
        [-0.0, 1e-45, 3.4e38, np.nan, np.inf, 1 / 3, 0, -1e-38], np.float32
    )
    write_keras_file(tmp_path / "seed.h5", layers_of(CONFIG, variables), CONFIG.heads)
    path = tmp_path / "seed.h5"
    for number, to in enumerate(stages):
        path = converted(path, f"stage{number}", to)
        assert_holds(path, variables)


@pytest.mark.parametrize(("own", "of_hardware"), [("float32", "bfloat16"), ("bfloat16", "float32")])
def test_an_export_is_converted_in_its_own_precision(
    own: Precision,
    of_hardware: Precision,
    saved_models: SavedModelOf,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sources = saved_models(own), saved_models("float32").parent / "source"
    made: list[Precision] = []
    monkeypatch.setattr("pipeline.conversion.hardware_precision", lambda: of_hardware)
    monkeypatch.setattr(
        "pipeline.conversion.export", lambda model, *_: made.append(model.precision)
    )
    for source in sources:
        name = f"from {source.name}"
        convert(source, tmp_path / name, "savedmodel", BYTES, GenerationOptions())
    assert made == [own, of_hardware]


def test_an_export_that_says_no_precision_is_refused(saved_model: SavedModelOf) -> None:
    saved = saved_model("float32")
    metadata = json.loads((saved / METADATA_FILE).read_text())
    (saved / METADATA_FILE).write_text(json.dumps(metadata | {"precision": "half"}))
    with pytest.raises(
        InputError, match=r"gpt2\.json: precision is 'half', which is none of float32,"
    ):
        converted(saved, "new", "savedmodel")


@pytest.mark.parametrize("to", ["openai", "huggingface", "savedmodel"])
def test_a_folder_that_cannot_be_written_is_told_with_the_remedy(source: Path, to: Target) -> None:
    """The limit of a file's size stands for a full disk."""
    with files_of_at_most(1000), pytest.raises(FailureError) as error:
        converted(source, "new", to)
    assert "the converted model cannot be written: File too large. Make room for it" in str(
        error.value
    )
    (source / "file").touch()
    with pytest.raises(
        FailureError, match=r"file.*the converted model cannot be written: Not a directory"
    ):
        convert(source, source / "file" / "new", to, BYTES, GenerationOptions())
    assert {path.name for path in source.parent.iterdir()} == {"source"}


def test_the_vocabulary_goes_with_the_weights(source: Path) -> None:
    folder = converted(source, "hf", "huggingface")
    assert {path.name for path in folder.iterdir()} == {
        "config.json",
        "model.safetensors",
        "vocab.json",
        "merges.txt",
        "tokenizer_config.json",
    }
    ids = json.loads((folder / "vocab.json").read_text())
    assert (ids["a"], ids["Ġ"], ids["<|endoftext|>"]) == (ord("a"), ord(" "), 256)
    assert {path.name for path in converted(source, "again", "openai").iterdir()} >= {
        "encoder.json",
        "vocab.bpe",
        "hparams.json",
    }


def test_an_existing_destination_is_refused(source: Path) -> None:
    (source.parent / "there").mkdir()
    with pytest.raises(InputError, match="there: exists already; remove it"):
        converted(source, "there", "openai")


def test_a_conversion_that_fails_leaves_nothing(source: Path) -> None:
    (data,) = source.glob("model.ckpt.data-*")
    data.write_bytes(data.read_bytes()[:-100])
    for to in ("openai", "huggingface", "savedmodel"):
        with pytest.raises(InputError, match="truncated"):
            converted(source, "broken", to)  # type: ignore[arg-type]
    assert [path.name for path in source.parent.iterdir()] == ["source"]


def test_another_models_vocabulary_is_refused(
    source: Path, saved_model: SavedModelOf, tmp_path: Path
) -> None:
    gpt2 = load_vocabulary("gpt2")
    with pytest.raises(InputError, match=r"gpt2 has 50257 ids and the model in .* 257"):
        convert(source, tmp_path / "new", "huggingface", gpt2, GenerationOptions())
    saved = saved_model("float32")
    metadata = json.loads((saved / METADATA_FILE).read_text())
    (saved / METADATA_FILE).write_text(json.dumps(metadata | {"vocabulary_digest": "other"}))
    with pytest.raises(InputError, match="was made with other; use the same vocabulary"):
        converted(saved, "new", "openai")


@pytest.mark.parametrize(
    ("precision", "prefix"),
    [("float32", "variables/variables"), ("bfloat16", "assets.extra/float32")],
)
def test_a_saved_model_without_its_metadata_or_cut_is_refused(
    saved_model: SavedModelOf, precision: Precision, prefix: str
) -> None:
    saved = saved_model(precision)
    (data,) = saved.glob(f"{prefix}.data-*")
    data.write_bytes(data.read_bytes()[:-1000])
    with pytest.raises(InputError, match=rf"{prefix}\.data.*truncated or damaged"):
        read_weights(saved)
    (saved / METADATA_FILE).unlink()
    with pytest.raises(InputError, match=r"gpt2\.json: there is no such file"):
        read_weights(saved)
