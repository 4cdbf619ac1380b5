"""Who is told how a run ended: a command and a webhook of the configuration. They never hurt the run."""

import json
import os
import shlex
import signal
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from pipeline.config import LoadedConfig
from pipeline.environment_values import expanded
from pipeline.leases import LeaseHeldError
from pipeline.node_process import NodeFailureError
from pipeline.run_reports import RunResult
from preprocessing.base.errors import FailureError, InputError

# So long may each of them take.
SECONDS = 10.0

# What is told of a run, as `docs/schemas/notification.schema.json` describes it.
Notification = Mapping[str, Any]


class _HookError(Exception):
    """A hook failed; the message holds nothing secret."""


def tell_result(loaded: LoadedConfig, result: RunResult, warn: Callable[[str], None]) -> None:
    """Tell that a run succeeded or its model was refused; of one that found nothing to do, nobody is told."""
    if not result.did_anything:
        return
    told = {
        "event": "refusal" if result.blessed is False else "success",
        "seconds": round(result.seconds, 3),
        "nodes": result.nodes,
        "blessed": result.blessed,
        "metrics": result.metrics,
        "pushed": result.pushed,
    }
    _tell(loaded, result.run_id, told, warn)


@contextmanager
def failure_told(
    configuration: Callable[[], LoadedConfig], run_id: str, warn: Callable[[str], None]
) -> Iterator[None]:
    """Tell of a failure inside, which goes on; one that was kept from beginning by another run is none.

    configuration: reads the configuration, as far as it can be read.
    """
    try:
        yield
    except LeaseHeldError:
        raise
    except (NodeFailureError, InputError, FailureError) as error:
        try:
            loaded = configuration()
        except InputError:
            raise error from None
        node = error.node if isinstance(error, NodeFailureError) else None
        _tell(loaded, run_id, {"event": "failure", "node": node, "message": str(error)}, warn)
        raise


def _tell(
    loaded: LoadedConfig, run_id: str, told: Mapping[str, Any], warn: Callable[[str], None]
) -> None:
    options = loaded.config.notify
    notification = {
        "version": 1,
        "event": told["event"],
        "pipeline": loaded.config.name,
        "workspace": str(loaded.workspace),
        "run_id": run_id,
        **told,
    }
    for key, value, do in (
        ("notify.command", options.command, _call),
        ("notify.webhook", options.webhook, _post),
    ):
        if value is None:
            continue
        try:
            do(loaded, value, notification)
        except _HookError as error:
            warn(f"{key}: {error}; the run is what it was")


def _call(loaded: LoadedConfig, command: str, notification: Notification) -> None:
    variables = {
        f"GPT2_TFX_{name.upper()}": str(notification[name])
        for name in ("event", "pipeline", "workspace", "run_id", "pushed", "node", "message")
        if notification.get(name) is not None
    }
    # Files and not pipes: a command need not read, and what it leaves behind may keep them open.
    with tempfile.TemporaryFile() as read, tempfile.TemporaryFile() as printed:
        read.write(json.dumps(notification).encode())
        read.seek(0)
        try:
            process = subprocess.Popen(
                shlex.split(command),
                cwd=loaded.folder,
                env={**os.environ, **variables},
                stdin=read,
                stdout=printed,
                stderr=printed,
                start_new_session=True,
            )
        except OSError as error:
            raise _HookError(f"{command!r} cannot be started ({error.strerror})") from None
        try:
            status = process.wait(SECONDS)
        except subprocess.TimeoutExpired:
            raise _HookError(f"{command!r} took more than {SECONDS:.0f} s and was ended") from None
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        if status != 0:
            printed.seek(0)
            last = printed.read().decode(errors="replace").strip().splitlines()[-1:]
            said = "".join(f": {line}" for line in last)
            raise _HookError(f"{command!r} ended with status {status}{said}")


def _post(loaded: LoadedConfig, webhook: str, notification: Notification) -> None:
    try:
        url = expanded("notify.webhook", webhook)
    except InputError as error:
        raise _HookError(str(error).removeprefix("notify.webhook: ").rstrip(".")) from None
    failed: list[str] = []
    # The time that urllib knows is of each wait for the other side, which may send a byte at a time.
    thread = threading.Thread(
        target=_request, args=(url, json.dumps(notification).encode(), failed.append), daemon=True
    )
    thread.start()
    thread.join(SECONDS)
    if thread.is_alive():
        failed.append(f"no answer within {SECONDS:.0f} s")
    if failed:
        # The URL as it stands in the file: its variables are secret.
        raise _HookError(f"{webhook!r}: {failed[0]}")


def _request(url: str, content: bytes, fail: Callable[[str], None]) -> None:
    # What is not imported costs a run with nothing to do no time.
    import http.client
    import urllib.error
    import urllib.request

    if not url.startswith(("http://", "https://")):
        fail("its value is not an http:// or https:// URL")
        return
    headers = {"Content-Type": "application/json", "User-Agent": "gpt2-tfx"}
    try:
        request = urllib.request.Request(url, content, headers, method="POST")
        with urllib.request.urlopen(request, timeout=SECONDS):
            pass
    except urllib.error.HTTPError as error:
        fail(f"HTTP status {error.code}")
    except urllib.error.URLError as error:
        fail(str(error.reason))
    except (OSError, ValueError, http.client.HTTPException) as error:
        # Some of these quote the URL.
        fail(type(error).__name__)
