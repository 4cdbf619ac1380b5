"""A run with nothing to do: `gpt2-tfx run` on a finished workspace beside `dvc repro` on a pipeline of as many stages.

Both commands are timed as whole processes, in turns, and the medians are compared.
"""

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
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


def measure(name: str) -> Iterator[dict[str, Any]]:
    """The row `noop_run`."""
    with tempfile.TemporaryDirectory() as folder:
        ours = _our_command(Path(folder, "ours"))
        theirs, cwd = _dvc_command(Path(folder, "dvc"))
        times: dict[str, list[float]] = {"ours": [], "dvc": []}
        for _ in range(TURNS):
            times["ours"].append(_seconds(ours, ROOT))
            times["dvc"].append(_seconds(theirs, cwd))
    mine, dvc = statistics.median(times["ours"]), statistics.median(times["dvc"])
    yield {
        "name": name,
        "unit": "s",
        "better": "lower",
        "ours": round(mine, 3),
        "peers": {"dvc repro": round(dvc, 3)},
        "ratio": round(mine / dvc, 3),
        "goal": 1.0,
    }


def _our_command(folder: Path) -> list[str]:
    """A finished workspace on the stories that ship, and the command that has nothing to do there."""
    folder.mkdir()
    corpus = {"path": str(ROOT / "data" / "cnn_dailymail")}
    (folder / "pipeline.yaml").write_text(yaml.safe_dump({"corpus": corpus, **SMALL}))
    command = [sys.executable, "-m", "pipeline", "--config", str(folder / "pipeline.yaml"), "run"]
    _seconds(command, ROOT)
    # Files are remembered once they are two seconds old, so the first run after this one still hashes.
    time.sleep(3)
    _seconds(command, ROOT)
    return command


def _dvc_command(folder: Path) -> tuple[list[str], Path]:
    """A chain of stages over the same stories, done once."""
    folder.mkdir()
    dvc = str(peer_command("dvc"))
    subprocess.run(["git", "init", "--quiet"], cwd=folder, check=True)
    subprocess.run([dvc, "init", "--quiet"], cwd=folder, check=True)
    subprocess.run(
        ["cp", "-r", str(ROOT / "data" / "cnn_dailymail"), "stories"], cwd=folder, check=True
    )
    stages = {
        f"stage{number}": {
            "cmd": f"cat {source} > out{number}" if number else "cat stories/url_lists/* > out0",
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
        command, cwd=cwd, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    return time.perf_counter() - began
