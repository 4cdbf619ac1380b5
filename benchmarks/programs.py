"""The programs that are measured, each in a process of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

from benchmarks.peers import ROOT, peer_command


def our_program(name: str, *arguments: object) -> list[str]:
    """The command of a program of `our_programs`."""
    return [sys.executable, "-m", f"benchmarks.our_programs.{name}", *map(str, arguments)]


def peer_program(name: str, *arguments: object) -> list[str]:
    """The command of a program of `peer_programs`, in the peers' environment."""
    program = ROOT / "benchmarks" / "peer_programs" / f"{name}.py"
    return [str(peer_command("python")), str(program), *map(str, arguments)]


def run_program(command: list[str], environment: Mapping[str, str] | None = None) -> dict[str, Any]:
    """What a program prints in its last line, a JSON object. environment: what is added to it."""
    variables = {**os.environ, **(environment or {})}
    done = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, env=variables)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found
