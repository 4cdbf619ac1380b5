"""One run of a pipeline at a time: a lock file with its owner in it."""

import fcntl
import json
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class WorkspaceBusyError(Exception):
    """Another run holds the workspace."""


def is_held(workspace: Path) -> bool:
    """Whether a run holds the workspace now."""
    try:
        with (workspace / "lock").open("r") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


@contextmanager
def workspace_lock(workspace: Path, run_id: str, shared: bool = False) -> Iterator[None]:
    """Hold the workspace while a run lasts; containers of one run share it.

    The kernel lets go of the lock when its owner dies, so a stale one cannot be. Raises WorkspaceBusyError.
    """
    workspace.mkdir(parents=True, exist_ok=True)
    with (workspace / "lock").open("a+") as file:
        try:
            fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise WorkspaceBusyError(
                f"{workspace}: another run holds it: {file.read().strip() or 'owner unknown'}. "
                "Wait until it ends, or end it."
            ) from None
        owner = {
            "pid": os.getpid(),
            "host": socket.gethostname(),
            "run": run_id,
            "since": time.strftime("%Y-%m-%d %H:%M:%S"),
        }
        # Of several that share it, the last to come is named.
        file.truncate(0)
        file.write(json.dumps(owner))
        file.flush()
        yield
