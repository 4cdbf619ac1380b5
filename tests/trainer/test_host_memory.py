"""What a process is kept from holding."""

import contextlib
import os
from pathlib import Path

import pytest

from pipeline.framework_imports import quiet_tensorflow
from preprocessing.base.errors import InputError
from serving.model import load_model


@pytest.mark.parametrize("said", [None, "false"])
def test_a_process_that_loads_a_model_leaves_a_gpus_memory_to_others(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, said: str | None
) -> None:
    for begins in (quiet_tensorflow, lambda: load_model(tmp_path / "absent")):
        monkeypatch.delenv("TF_FORCE_GPU_ALLOW_GROWTH", raising=False)
        if said is not None:
            monkeypatch.setenv("TF_FORCE_GPU_ALLOW_GROWTH", said)
        with contextlib.suppress(InputError):
            begins()
        assert os.environ["TF_FORCE_GPU_ALLOW_GROWTH"] == (said or "true")
