"""A run that is killed leaves nothing that counts, and the next one goes on from what was complete."""

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.end_to_end.outcomes import tiny_project
from tests.end_to_end.project import Project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return tiny_project(tmp_path)


@pytest.mark.long
def test_runs_that_are_killed_and_stopped_are_abandoned_and_the_next_one_finishes(
    project: Project,
) -> None:
    training = {"steps": 2000, "batch_size": 2, "checkpoint_every": 5, "learning_rate": 0.001}
    project.configure(training=training)
    log = project.folder / "stderr.txt"
    with log.open("w") as stream:
        victim = subprocess.Popen(project.command("run"), cwd=project.code, stderr=stream)
        _wait_for(lambda: _checkpoints(project), victim)
        assert "Traceback" not in log.read_text()
        # A second run meanwhile is refused, and told by whom; who looks is not.
        second = project.call("run")
        assert second.returncode == 1
        assert f"is held by process {victim.pid} on " in second.stderr
        assert "Wait until it ends, or end it." in second.stderr
        assert project.json("status")["runs"][0]["state"] == "running"
        assert project.json("plan")["nodes"][0]["action"] == "reuse"
        victim.send_signal(signal.SIGKILL)
        victim.wait()
    # The node's process follows its run.
    _wait_for(lambda: not _processes_of(project))
    assert {step["action"] for step in project.json("plan", "--to", "Tokenizer")["nodes"]} == {
        "reuse"
    }

    saved = max(_checkpoints(project))
    _stop_while_it_trains(project)
    # Nothing but the SIGTERM had it written.
    assert max(_checkpoints(project)) > saved

    finished = project.call("--set", "training.steps=10", "run", "--to", "Trainer")
    assert finished.returncode == 0, finished.stderr
    newest, stopped, killed = project.json("status")["runs"]
    for run in (stopped, killed):
        assert run["state"] == "abandoned"
        states = {node["node"]: node["state"] for node in run["nodes"]}
        assert states["Trainer"] == "abandoned"
        assert states["Evaluator"] == "skipped"
    assert newest["state"] == "complete"
    leftovers = list((project.workspace / "artifacts/Trainer/model").iterdir())
    assert len(leftovers) == 1


def _stop_while_it_trains(project: Project) -> None:
    """Send SIGTERM to the run and to every process of it, as a service manager does."""
    log = project.folder / "stopped.txt"
    with log.open("w") as stream:
        command = project.command("--set", "training.checkpoint_every=100000", "run")
        run = subprocess.Popen(command, cwd=project.code, stderr=stream)
        _wait_for(lambda: "train, step" in log.read_text(), run)
        for process in (run.pid, *_processes_of(project)):
            os.kill(process, signal.SIGTERM)
        assert run.wait(120) == 1
    assert _processes_of(project) == []
    lines = log.read_text().splitlines()
    assert lines[-1] == "gpt2-tfx: interrupted"
    assert "was abandoned" in lines[0]
    # It has said so itself, before anybody else could.
    assert project.json("status")["runs"][0]["state"] == "abandoned"


def _checkpoints(project: Project) -> set[int]:
    """The steps of the checkpoints that are whole."""
    found = (project.workspace / "checkpoints").glob("*/ckpt-*.index")
    return {int(path.stem.removeprefix("ckpt-")) for path in found}


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
