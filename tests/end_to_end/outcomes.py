"""What a run came to, told so that an interrupted history can be compared with an undisturbed one."""

import contextlib
import hashlib
import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

from pipeline.config import Config
from pipeline.store import StoreReader
from tests.end_to_end.project import Project

# A run of seconds; checkpoints are written, and training goes on from them.
TINY: dict[str, Any] = {
    "corpus": {"task": "text", "path": "corpus"},
    "tokens": {"vocabulary": "bytes", "sequence_length": 32},
    "model": {"layers": 1, "heads": 2, "width": 16, "context": 32},
    "training": {
        "steps": 40,
        "batch_size": 2,
        "learning_rate": 0.01,
        "warmup_steps": 1,
        "checkpoint_every": 5,
    },
    "generation": {"max_new_tokens": 4},
    "evaluation": {"max_records": 2},
}


def tiny_project(folder: Path) -> Project:
    """A project whose run takes seconds."""
    (folder / "corpus").mkdir(parents=True)
    for number in range(3):
        lines = [f"Line {line} of text {number} is about the sea.\n" for line in range(60)]
        (folder / "corpus" / f"{number}.txt").write_text("".join(lines))
    return Project(folder, TINY)


def outcome(project: Project) -> dict[str, Any]:
    """The bytes of the model that is served, its scores, and the keys and digests of its lineage."""
    served = project.workspace / "serving" / project.latest
    shown = project.json("lineage", "show", "latest")
    return {
        "files": {
            path.relative_to(served).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(served.rglob("*"))
            if path.is_file()
        },
        "metrics": shown["metrics"],
        "nodes": sorted((node["node"], node["key"]) for node in shown["nodes"]),
        "digests": sorted(
            (made["node"], made["output"], made["digest"])
            for made in shown["artifacts"]
            if made["type"] != "ModelRun"
        ),
        "lineage": json.loads((served / "provenance.json").read_text()),
    }


def leftovers(project: Project) -> list[str]:
    """What a history has left that no record speaks of: executions that run, folders of outputs, staged versions."""
    store = StoreReader(Config().name, None, project.workspace)
    found, known = [], set()
    for run in store.runs():
        for execution in store.executions_of_run(run.run_id):
            if execution.is_unfinished:
                found.append(f"{execution.node} of {run.run_id} is {execution.state}")
            if execution.state == "COMPLETE":
                known |= {artifact.uri for artifact in execution.outputs.values()}
        if run.properties["state"] == "running":
            found.append(f"{run.run_id} is running")
    for folder in (project.workspace / "artifacts").glob("*/*/*"):
        if str(folder) not in known and not folder.is_relative_to(folder.parents[1] / ".system"):
            found.append(str(folder))
    found += [str(path) for path in (project.workspace / "serving").glob(".*") if path.is_dir()]
    return found


def processes_below(parent: int) -> list[int]:
    """The processes that a process has started, and those that these have."""
    children: dict[int, list[int]] = {}
    for process in Path("/proc").iterdir():
        if process.name.isdecimal():
            try:
                fields = (process / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            children.setdefault(int(fields[1]), []).append(int(process.name))
    found, waiting = [], [parent]
    while waiting:
        below = children.get(waiting.pop(), [])
        found += below
        waiting += below
    return found


def begin(project: Project) -> "subprocess.Popen[str]":
    """A run that is begun, in a process group of its own."""
    return subprocess.Popen(
        project.command("run"),
        cwd=project.code,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={**os.environ, "PYTHONPATH": str(project.code)},
    )


def kill(process: int) -> None:
    """SIGKILL for a process that may have ended."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(process, signal.SIGKILL)


def wait_until_gone(processes: list[int], seconds: float = 60) -> None:
    """Wait for processes that are to end by themselves."""
    deadline = time.monotonic() + seconds
    while left := [process for process in processes if _lives(process)]:
        assert time.monotonic() < deadline, f"processes {left} go on"
        time.sleep(0.1)


def _lives(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in "ZX"
