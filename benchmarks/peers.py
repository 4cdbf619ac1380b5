"""Environments of other tools, so that their dependencies stay out of ours: `.venv-peers` and `.venv-validators`.

`python -m benchmarks.peers` makes them.
"""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# What is measured against, and what judges the documents that we write.
_PEERS, _VALIDATORS = "peers", "validators"


def peer_command(name: str) -> Path:
    """The path of a peer's command; makes the environment if it is not there."""
    return _command(_PEERS, name)


def validator_command(name: str) -> Path:
    """The path of a validator's command; makes the environment if it is not there."""
    return _command(_VALIDATORS, name)


def _command(environment: str, name: str) -> Path:
    folder = ROOT / f".venv-{environment}"
    requirements = ROOT / "requirements" / f"{environment}.txt"
    installed = folder / "installed"
    if not installed.is_file() or installed.read_text() != requirements.read_text():
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        pip = str(folder / "bin" / "pip")
        subprocess.run([pip, "install", "--quiet", "-r", str(requirements)], check=True)
        installed.write_text(requirements.read_text())
    return folder / "bin" / name


if __name__ == "__main__":
    peer_command("python")
    validator_command("python")
