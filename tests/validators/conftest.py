"""Programs of the validators' environment."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.peers import validator_command

_PROGRAMS = Path(__file__).parent / "programs"
Validate = Callable[..., str]


@pytest.fixture(scope="session")
def validate() -> Validate:
    """Run a program of `programs/`, or a command of the environment; returns what it said. It must end with 0."""
    python = str(validator_command("python"))

    def run(program: str, *arguments: object) -> str:
        is_ours = program.endswith(".py")
        command = (
            [python, str(_PROGRAMS / program)] if is_ours else [str(validator_command(program))]
        )
        command += map(str, arguments)
        environment = os.environ | {"PYTHONPATH": ""}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    return run
