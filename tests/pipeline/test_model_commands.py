"""`download` and `convert` on the command line, and `generate` on what they leave."""

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from pipeline import cli
from pipeline.commands import doctor
from pipeline.commands.download import progress_text
from pipeline.downloads import openai_checkpoint
from pipeline.downloads.file_download import Progress
from pipeline.downloads.openai_checkpoint import BASE_URL_VARIABLE
from preprocessing.base import progress
from tests.pipeline.conftest import WriteConfig
from tests.pipeline.file_server import serving
from tests.pipeline.schemas import document_of
from tests.trainer.random_models import random_model
from tests.trainer.weights.keras_files import layers_of, write_keras_file
from trainer.config import SIZES, GPT2Config
from trainer.weights import read_weights
from trainer.weights.openai import write_openai

CONFIG = GPT2Config(vocabulary_size=257, context=16, width=8, heads=2, layers=1)


@pytest.fixture
def config_file(write_config: WriteConfig) -> Path:
    """A configuration with the vocabulary of bytes."""
    return write_config(
        "corpus: {task: text, path: corpus}\n"
        "tokens: {vocabulary: bytes, sequence_length: 16}\n"
        "model: {context: 16, width: 8, heads: 2, layers: 1}\n"
        "generation: {max_new_tokens: 4}\n"
    )


@pytest.fixture(scope="module")
def variables() -> dict[str, np.ndarray]:
    return {name: v.numpy() for name, v in random_model(CONFIG, seed=3).by_name.items()}


def test_a_model_of_gpt_tf2_is_converted_answers_as_before_and_is_scored(
    config_file: Path,
    tmp_path: Path,
    variables: dict[str, np.ndarray],
    capsys: pytest.CaptureFixture[str],
) -> None:
    seed = tmp_path / "cnndm.h5"
    write_keras_file(seed, layers_of(CONFIG, variables), CONFIG.heads)
    target = tmp_path / "converted"
    command = ["--config", str(config_file)]
    assert cli.main([*command, "convert", str(seed), str(target), "--to", "huggingface"]) == 0
    assert capsys.readouterr().out == f"{target}\n"
    _, found = read_weights(target)
    for name, value in variables.items():
        np.testing.assert_array_equal(found[name], value)
    answers = []
    for model in (seed, target):
        assert cli.main([*command, "generate", str(model), "--prompt", "ab", "--json"]) == 0
        answers.append(capsys.readouterr().out)
    assert answers[0] == answers[1]
    (sample,) = document_of("generate", answers[0])["samples"]
    assert sample["tokens"] == 4
    predictions = tmp_path / "predictions.jsonl"
    harness, index = tmp_path / "harness.json", tmp_path / "index.md"
    evaluation = ["evaluate", str(target), "--split", "train", "--predictions", str(predictions)]
    evaluation += ["--lm-eval", str(harness), "--model-index", str(index)]
    assert cli.main([*command, *evaluation, "--json"]) == 0
    scored = document_of("evaluate", capsys.readouterr().out)
    value = scored["metrics"]["perplexity"]
    assert json.loads(harness.read_text())["results"]["gpt2_tfx_text"]["perplexity,none"] == value
    assert f"value: {value}" in index.read_text()
    written = predictions.read_bytes()
    assert cli.main([*command, *evaluation]) == 2
    assert "--overwrite replaces it" in capsys.readouterr().err
    assert predictions.read_bytes() == written
    for place, reason in ((tmp_path, "a folder"), (config_file / "P.jsonl", "cannot be made")):
        assert cli.main([*command, "evaluate", str(target), "--predictions", str(place)]) == 2
        assert reason in capsys.readouterr().err
    assert (scored["split"], scored["records"], scored["signature"]) == ("train", 1, None)
    assert scored["metrics"]["perplexity"] > 1
    assert not (tmp_path / "workspace").exists()


def test_convert_refuses_what_is_there_and_what_is_no_model(
    config_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["--config", str(config_file), "convert"]
    corpus = tmp_path / "corpus"
    assert cli.main([*command, str(corpus), str(corpus), "--to", "openai"]) == 2
    assert "exists already" in capsys.readouterr().err
    assert cli.main([*command, str(corpus), str(tmp_path / "new"), "--to", "openai"]) == 2
    assert "no weights; expected hparams.json" in capsys.readouterr().err
    assert cli.main([*command, "nowhere", str(tmp_path / "new"), "--to", "openai"]) == 2
    assert "nor a folder or file" in capsys.readouterr().err


def test_download_leaves_a_base_model_and_says_where(
    tmp_path: Path,
    variables: dict[str, np.ndarray],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    write_openai(tmp_path / "published", CONFIG, variables)
    files = {f"/124M/{p.name}": p.read_bytes() for p in (tmp_path / "published").iterdir()}
    for name in ("encoder.json", "vocab.bpe", "model.ckpt.meta"):
        files[f"/124M/{name}"] = name.encode()
    monkeypatch.setitem(SIZES, "124M", CONFIG)
    monkeypatch.setattr(openai_checkpoint, "DATA_SHA256", {})
    monkeypatch.setattr(openai_checkpoint, "GPT2_SHA256", {})
    monkeypatch.chdir(tmp_path)
    with serving(files) as server:
        monkeypatch.setenv(BASE_URL_VARIABLE, server.url)
        assert cli.main(["download", "124M"]) == 0
        captured = capsys.readouterr()
        assert captured.out == "models/124M\n"
        assert "hparams.json  100% of" in captured.err
        assert read_weights(tmp_path / "models" / "124M")[0] == CONFIG
        del server.files["/124M/vocab.bpe"]
        assert cli.main(["download", "124M", "--to", "other"]) == 1
        assert "vocab.bpe: the server answers 404" in capsys.readouterr().err


def test_progress_says_share_rate_and_time_left() -> None:
    known = Progress("model.ckpt.index", 2_340, 5_200, 12e6, 3.2)
    assert progress_text(known) == "model.ckpt.index  45% of 5.2 kB, 12.0 MB/s, 0:03 left"
    assert progress_text(Progress("x", 999, None, 10.0, None)) == "x  999 B, 10 B/s"
    assert progress_text(Progress("x", 0, 6_230_430_720, 1e6, 6230.4)).endswith("103:50 left")


def test_reports_go_to_nobody_after_a_command() -> None:
    heard: list[progress.Report] = []
    with progress.reported_to(heard.append):
        progress.report(done=1)
    progress.report(done=2)
    assert heard == [{"done": 1}]


def test_a_doctor_says_what_computes_and_that_it_does(
    config_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["--config", str(config_file), "doctor", "--json"]) == 0
    found = document_of("doctor", capsys.readouterr().out)
    assert found["self_test"]["passed"]
    assert found["precision_because"] == "training.precision"
    assert cli.main(["--config", str(config_file), "doctor"]) == 0
    assert "self-test   passed" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("told", "memory"), [("81559\n81559\n", 79.6), ("[N/A]\n", None), ("", None)]
)
def test_a_doctor_takes_what_the_driver_tells_of_memory(
    monkeypatch: pytest.MonkeyPatch, told: str, memory: float | None
) -> None:
    monkeypatch.setattr(doctor.subprocess, "run", lambda *_, **__: SimpleNamespace(stdout=told))
    assert doctor._gpu_memory() == memory
