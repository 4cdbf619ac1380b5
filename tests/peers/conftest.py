"""Programs of the peers' environment, and a folder for models of gigabytes."""

import os
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from benchmarks.peers import peer_command

_PROGRAMS = Path(__file__).parent / "programs"
RunPeer = Callable[..., None]


@pytest.fixture(scope="session")
def run_peer() -> RunPeer:
    """Run a program of `programs/` with the peers' Python, offline; what it prints is in the failure."""
    python = peer_command("python")

    def run(program: str, *arguments: object) -> None:
        command = [str(python), str(_PROGRAMS / program), *map(str, arguments)]
        environment = os.environ | {"HF_HUB_OFFLINE": "1", "PYTHONPATH": ""}
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr

    return run


@pytest.fixture
def folder() -> Iterator[Path]:
    """A new folder that is gone after the test, on the disk: twice 1558M and the model have no room in memory."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as name:
        yield Path(name)
