"""The project's code is edited while a run goes on: neither the run nor Beam's workers see it, the next run does."""

import os
import subprocess
from pathlib import Path

import pytest

from pipeline.code_snapshot import read_snapshot
from tests.end_to_end.project import ROOT, Project

# What Tokenizer runs in its own process, and what Beam's workers run.
EDITED = (
    "components/tokenizer.py",
    "preprocessing/tokens/packing.py",
    "preprocessing/tokens/job.py",
)


@pytest.mark.long
def test_a_run_goes_on_with_the_code_that_it_began_with(tmp_path: Path) -> None:
    code = read_snapshot().write(tmp_path / "code")
    project = Project(
        tmp_path / "project",
        {
            "corpus": {"task": "cnn_dailymail", "path": str(ROOT / "data" / "cnn_dailymail")},
            "beam": {"runner": "multi_processing"},
        },
        code,
    )
    run = subprocess.Popen(
        project.command("run", "--to", "Tokenizer"),
        cwd=code,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "PYTHONPATH": str(code)},
    )
    assert run.stderr is not None
    first = run.stderr.readline()
    assert first.startswith("CorpusGen"), first
    for name in EDITED:
        (code / name).write_text("def (\n")
    said = run.stderr.read()
    assert run.wait() == 0, said
    # The edited code cannot be asked.
    whole = Project(project.folder, project.config)
    assert whole.last_run()["Tokenizer"] == "run"
    planned = project.call("plan")
    assert planned.returncode == 2
    assert "not Python" in planned.stderr
