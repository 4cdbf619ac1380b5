"""`gpt2-tfx serve` as a process: what it prints, what it answers, and how it ends."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from tests.pipeline.trees import snapshot
from tests.read_only import may_mount, read_only


@pytest.fixture
def workspace(saved_model: Path, tmp_path: Path) -> Path:
    """A configuration whose `latest` is the small model, with no statement of its files."""
    (tmp_path / "pipeline.yaml").write_text("name: small\ncorpus: {task: text, path: none}\n")
    serving = tmp_path / "workspace" / "serving"
    serving.mkdir(parents=True)
    shutil.copytree(saved_model, serving / "7")
    (serving / "latest").symlink_to("7")
    return tmp_path


def test_it_serves_latest_writes_nothing_and_ends_when_it_is_asked_to(
    root: Path, workspace: Path
) -> None:
    before = snapshot(workspace)
    mounted = read_only(workspace) if may_mount() else []
    command = [*mounted, sys.executable, "-m", "pipeline"]
    command += ["--config", str(workspace / "pipeline.yaml")]
    process = subprocess.Popen(
        [*command, "serve", "latest", "--port", "0"],
        cwd=root,
        env={**os.environ, "GPT2_TFX_SERVE_TOKEN": "sesame"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        found = re.fullmatch(
            r"serving small \(version 7, digest not stated\) on (http://127\.0\.0\.1:\d+)\n", line
        )
        assert found
        request = urllib.request.Request(
            f"{found[1]}/v1/completions",
            json.dumps({"prompt": "a", "max_tokens": 3}).encode(),
            {"Authorization": "Bearer sesame"},
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            assert len(json.load(answer)["choices"]) == 1
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
        process.wait()
    assert (process.returncode, out) == (0, "")
    assert "has no SHA256SUMS: nothing could be checked" in err
    assert re.search(r"^\S+Z 127\.0\.0\.1 POST /v1/completions 200 \d", err, re.MULTILINE)
    assert "Traceback" not in err
    assert "sesame" not in err
    assert snapshot(workspace) == before
