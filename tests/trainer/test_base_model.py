"""The base model of a training, read while somebody changes it."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from preprocessing.base.file_watch import ContentChangedError, write_stats
from tests.trainer.random_models import random_model
from trainer import run
from trainer.config import GPT2Config
from trainer.options import BASE_STATS_VARIABLE
from trainer.weights.openai import write_openai


def test_a_base_model_that_changes_while_it_is_read_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base, stats = tmp_path / "base", tmp_path / "base_model.json"
    config = GPT2Config(vocabulary_size=257, context=16, width=16, heads=2, layers=1)
    weights = {name: v.numpy() for name, v in random_model(config, seed=8).by_name.items()}
    write_openai(base, config, weights)
    write_stats(stats, base)
    monkeypatch.setenv(BASE_STATS_VARIABLE, str(stats))
    # Written anew with the same content, as who edits it and takes the edit back leaves it.
    hparams = base / "hparams.json"
    monkeypatch.setattr(run, "load_into", lambda *_: hparams.write_bytes(hparams.read_bytes()))
    monkeypatch.setattr(run, "read_training_rows", lambda *_: None)
    monkeypatch.setattr(run, "read_rows", lambda *_: None)
    arguments = SimpleNamespace(
        train_files=[],
        eval_files=[],
        base_model=str(base),
        custom_config={
            "model": {"layers": 1, "heads": 2, "width": 16, "context": 16},
            "training": {"device": "cpu"},
            "vocabulary": "bytes",
            "sequence_length": 8,
            "random_windows": False,
            "seed": 1,
        },
    )
    with pytest.raises(ContentChangedError, match=r"hparams\.json: changed while Trainer read it"):
        run.train_and_export(arguments)
