"""A folder that is mounted read-only, for the processes of a test."""

import os
import subprocess
from functools import cache
from pathlib import Path


@cache
def may_mount() -> bool:
    """Whether this machine lets us mount in a namespace of our own."""
    return subprocess.run([*_namespace(), "true"], check=False).returncode == 0


def read_only(folder: Path) -> list[str]:
    """What stands before a command for which a folder is read-only; it fails where the folder is not."""
    script = (
        'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && ! touch "$0/x" && exec "$@"'
    )
    return [*_namespace(), "bash", "-c", script, str(folder)]


def _namespace() -> list[str]:
    return ["unshare", "-m"] if os.geteuid() == 0 else ["unshare", "-rm"]
