"""Processes that stand for the machines of a cluster: each with a file system of its own, all on the loopback."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import apache_beam as beam

# Nothing is shared with other machines: what tests write is hidden by an empty folder, and all else cannot be written.
_ALONE = """
mount -t tmpfs none "$0" && mkdir "$0/tmp" && export TMPDIR="$0/tmp" HOME="$0/tmp" || exit 1
cut -d" " -f2 /proc/self/mounts | while read place; do
  [ "$place" = "$0" ] || mount -o remount,bind,ro "$place" 2>/dev/null
done
exec "$@"
"""


def start(log: Path, *command: str, alone_in: Path | None = None) -> subprocess.Popen[bytes]:
    """Start Python with arguments.

    With `alone_in`, the folder that all tests write beneath, on a machine of its own, which needs root.
    """
    whole = [sys.executable, *command]
    if alone_in is not None:
        assert os.geteuid() == 0, "only root can give a process a file system of its own"
        whole = ["unshare", "--mount", "sh", "-c", _ALONE, str(alone_in), *whole]
    return run_in_background(log, whole)


def start_workers(log: Path, alone_in: Path | None = None) -> tuple[subprocess.Popen[bytes], str]:
    """Start a pool of workers for a job service (as `start`); the process and its address, which answers."""
    port = free_port()
    pool = str(Path(__file__).with_name("worker_pool.py"))
    process = start(log, pool, str(port), alone_in=alone_in)
    wait_for("the pool of workers", lambda: _answers(port))
    return process, f"localhost:{port}"


def free_port() -> int:
    """A port of the loopback where nobody listens."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


def _answers(port: int) -> bool:
    with socket.socket() as tried:
        return tried.connect_ex(("127.0.0.1", port)) == 0


def run_in_background(log: Path, command: list[str]) -> subprocess.Popen[bytes]:
    """Start a program; what it says goes into a file."""
    with log.open("wb") as output:
        return subprocess.Popen(
            command,
            cwd=Path(__file__).resolve().parents[2],
            stdout=output,
            stderr=subprocess.STDOUT,
        )


def end(processes: Iterable[subprocess.Popen[bytes]]) -> None:
    """End processes, by force if they do not listen."""
    processes = list(processes)
    for process in processes:
        process.terminate()
    for process in processes:
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_for(what: str, ready: Callable[[], object], seconds: int = 60) -> None:
    """Wait until something is ready."""
    deadline = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < deadline, f"{what} did not start"
        time.sleep(0.1)


def close(pipeline: beam.Pipeline) -> None:
    """Close a Dask client, so that it does not look for its cluster for ever."""
    client = getattr(getattr(pipeline, "result", None), "client", None)
    if client is not None:
        client.close()
