"""The peers' own environment, `.venv-peers`, so that their dependencies stay out of ours.

`python -m benchmarks.peers` makes it.
"""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
_FOLDER = ROOT / ".venv-peers"
_REQUIREMENTS = ROOT / "requirements" / "peers.txt"


def peer_command(name: str) -> Path:
    """The path of a peer's command; makes the environment if it is not there."""
    installed = _FOLDER / "installed"
    if not installed.is_file() or installed.read_text() != _REQUIREMENTS.read_text():
        subprocess.run([sys.executable, "-m", "venv", str(_FOLDER)], check=True)
        pip = str(_FOLDER / "bin" / "pip")
        subprocess.run([pip, "install", "--quiet", "-r", str(_REQUIREMENTS)], check=True)
        installed.write_text(_REQUIREMENTS.read_text())
    return _FOLDER / "bin" / name


if __name__ == "__main__":
    peer_command("python")
