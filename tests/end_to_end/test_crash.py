"""A run that is killed leaves nothing that counts, and the next one goes on from what was complete."""

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.end_to_end.project import Project, copy_stories


@pytest.fixture
def project(tmp_path: Path) -> Project:
    copy_stories(tmp_path / "stories", train=4, validation=1, test=1)
    return Project(tmp_path, {"corpus": {"task": "cnn_dailymail", "path": "stories"}})


def test_a_killed_run_is_abandoned_and_the_next_one_finishes(project: Project) -> None:
    training = {"steps": 2000, "batch_size": 2, "checkpoint_every": 5, "learning_rate": 0.001}
    project.configure(training=training)
    log = project.folder / "stderr.txt"
    with log.open("w") as stream:
        victim = subprocess.Popen(project.command("run"), cwd=project.code, stderr=stream)
        checkpoints = project.workspace / "checkpoints"
        _wait_for(lambda: any(checkpoints.glob("*/*.index")), victim)
        assert "Traceback" not in log.read_text()
        # A second run meanwhile is refused, and told by whom.
        second = project.call("run")
        assert second.returncode == 1
        assert str(victim.pid) in second.stderr
        victim.send_signal(signal.SIGKILL)
        victim.wait()
    # The node's process follows its run.
    _wait_for(lambda: not _processes_of(project))
    assert {step["action"] for step in project.json("plan", "--to", "Tokenizer")["nodes"]} == {
        "reuse"
    }

    finished = project.call("--set", "training.steps=10", "run", "--to", "Trainer")
    assert finished.returncode == 0, finished.stderr
    assert "was abandoned" in finished.stderr
    newest, killed = project.json("status")["runs"]
    assert killed["state"] == "abandoned"
    states = {node["node"]: node["state"] for node in killed["nodes"]}
    assert states["Tokenizer"] == "run"
    assert states["Trainer"] == "abandoned"
    assert states["Evaluator"] == "skipped"
    assert newest["state"] == "complete"
    leftovers = list((project.workspace / "artifacts/Trainer/model").iterdir())
    assert len(leftovers) == 1


def _wait_for(condition: object, process: subprocess.Popen[bytes] | None = None) -> None:
    deadline = time.monotonic() + 180
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline, "waited in vain"
        assert process is None or process.poll() is None, "the run ended by itself"
        time.sleep(0.2)


def _processes_of(project: Project) -> list[int]:
    """The processes that hold a file of the project's logs open."""
    found = []
    for process in Path("/proc").iterdir():
        if not process.name.isdecimal() or int(process.name) == os.getpid():
            continue
        try:
            targets = [os.readlink(descriptor) for descriptor in (process / "fd").iterdir()]
        except OSError:
            continue
        if any(target.startswith(str(project.workspace / "logs")) for target in targets):
            found.append(int(process.name))
    return found
