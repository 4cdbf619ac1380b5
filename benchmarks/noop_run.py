"""Runs with nothing to do, and a plan of one change: `gpt2-tfx` beside `dvc repro` on a pipeline of as many stages.

    noop_run             on the stories that ship
    noop_run_10k_files   on a corpus of 10,000 files
    noop_run_1000_runs   with 1,000 earlier runs in the store, beside one
    plan_one_of_100k     after a change of one file of 100,000, beside listing them with their stats

Commands are timed as whole processes, in turns, and the medians are compared.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import yaml

from benchmarks.peers import ROOT, peer_command

TURNS = 9
STAGES = 9
SMALL = {
    "tokens": {"sequence_length": 128},
    "model": {"layers": 1, "heads": 2, "width": 16, "context": 128},
    "training": {"steps": 2, "batch_size": 2},
    "generation": {"max_new_tokens": 4},
}
# In a process, since only what the store holds is to grow.
_RUNS = """
import contextlib, io, sys
from pipeline.cli import main
for _ in range(int(sys.argv[2])):
    with contextlib.redirect_stdout(io.StringIO()):
        assert main(["--config", sys.argv[1], "run", "--quiet"]) == 0
"""
_LIST = """
import os, sys
waiting = [sys.argv[1]]
while waiting:
    with os.scandir(waiting.pop()) as entries:
        for entry in entries:
            waiting.append(entry.path) if entry.is_dir() else entry.stat()
"""


def measure(name: str) -> Iterator[dict[str, Any]]:
    """The row of a name."""
    with tempfile.TemporaryDirectory() as folder:
        yield {"name": name, "better": "lower", **_MEASURED[name](Path(folder))}


def _noop_run(folder: Path) -> dict[str, Any]:
    return _beside_dvc(folder, ROOT / "data" / "cnn_dailymail", "cnn_dailymail", 0.9)


def _of_10k_files(folder: Path) -> dict[str, Any]:
    return _beside_dvc(folder, _texts(folder / "texts", 10_000), "text", 0.7)


def _beside_dvc(folder: Path, corpus: Path, task: str, goal: float) -> dict[str, Any]:
    ours = [*_finished(folder / "ours", corpus, task), "run"]
    theirs, cwd = _dvc_command(folder / "dvc", corpus)
    mine, dvc = _medians(lambda: _seconds(ours, ROOT), lambda: _seconds(theirs, cwd))
    return _row("s", mine, {"dvc repro": dvc}, goal)


def _of_1000_runs(folder: Path) -> dict[str, Any]:
    corpus = ROOT / "data" / "cnn_dailymail"
    first, many = (_finished(folder / name, corpus, "cnn_dailymail") for name in ("first", "many"))
    config = many[many.index("--config") + 1]
    _seconds([sys.executable, "-c", _RUNS, config, "1000"], ROOT)
    mine, one = _medians(
        lambda: _seconds([*many, "run"], ROOT), lambda: _seconds([*first, "run"], ROOT)
    )
    return _row("s", mine, {"with one earlier run": one}, 1.2)


def _plan_of_100k(folder: Path) -> dict[str, Any]:
    corpus = _texts(folder / "texts", 100_000)
    ours = [*_finished(folder / "ours", corpus, "text"), "plan"]
    changed = next(corpus.rglob("*.txt"))

    def plan() -> float:
        changed.write_text(f"Changed at {time.time_ns()}.\n")
        return _seconds(ours, ROOT)

    listing = [sys.executable, "-c", _LIST, str(corpus)]
    mine, listed = _medians(plan, lambda: _seconds(listing, ROOT))
    return _row("s", mine, {"listing with stat": listed}, 1.5)


_MEASURED: dict[str, Callable[[Path], dict[str, Any]]] = {
    "noop_run": _noop_run,
    "noop_run_10k_files": _of_10k_files,
    "noop_run_1000_runs": _of_1000_runs,
    "plan_one_of_100k": _plan_of_100k,
}


def _row(unit: str, ours: float, peers: dict[str, float], goal: float) -> dict[str, Any]:
    return {
        "unit": unit,
        "ours": round(ours, 3),
        "peers": {name: round(seconds, 3) for name, seconds in peers.items()},
        "ratio": round(ours / min(peers.values()), 3),
        "goal": goal,
    }


def _medians(ours: Callable[[], float], theirs: Callable[[], float]) -> tuple[float, float]:
    """The median seconds of both, measured in turns."""
    times = [(ours(), theirs()) for _ in range(TURNS)]
    first, second = zip(*times, strict=True)
    return statistics.median(first), statistics.median(second)


def _texts(folder: Path, count: int) -> Path:
    """A corpus of so many small files, a thousand in each folder."""
    for number in range(count):
        path = folder / f"{number // 1000:03}" / f"{number % 1000:03}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"Text {number} is about the sea, as text {number - 1} was.\n")
    return folder


def _finished(folder: Path, corpus: Path, task: str) -> list[str]:
    """The beginning of a command on a finished workspace."""
    folder.mkdir()
    sections = {"corpus": {"path": str(corpus), "task": task}, **SMALL}
    (folder / "pipeline.yaml").write_text(yaml.safe_dump(sections))
    command = [sys.executable, "-m", "pipeline", "--config", str(folder / "pipeline.yaml")]
    _seconds([*command, "run"], ROOT)
    # Files are remembered once they are two seconds old, so the first run after this one still hashes.
    time.sleep(3)
    _seconds([*command, "run"], ROOT)
    return command


def _dvc_command(folder: Path, corpus: Path) -> tuple[list[str], Path]:
    """A chain of stages over the same files, done once."""
    folder.mkdir()
    dvc = str(peer_command("dvc"))
    subprocess.run(["git", "init", "--quiet"], cwd=folder, check=True)
    subprocess.run([dvc, "init", "--quiet"], cwd=folder, check=True)
    subprocess.run(["cp", "-r", str(corpus), "stories"], cwd=folder, check=True)
    stages = {
        f"stage{number}": {
            "cmd": f"cat {source} > out{number}" if number else "ls -R stories > out0",
            "deps": [source],
            "outs": [f"out{number}"],
        }
        for number in range(STAGES)
        for source in [f"out{number - 1}" if number else "stories"]
    }
    (folder / "dvc.yaml").write_text(yaml.safe_dump({"stages": stages}, sort_keys=False))
    command = [dvc, "repro", "--quiet"]
    _seconds(command, folder)
    return command, folder


def _seconds(command: list[str], cwd: Path) -> float:
    began = time.perf_counter()
    subprocess.run(
        command,
        cwd=cwd,
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    return time.perf_counter() - began
