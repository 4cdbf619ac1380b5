"""A process for each node, forked from a warm server that imports from a snapshot of the code."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from pipeline.erasure.key import KEY_VARIABLE as ERASURE_KEY
from pipeline.launch_request import LaunchRequest, NodeTask
from pipeline.node_failures import how_it_ended
from pipeline.signing import KEY_VARIABLE as SIGNING_KEY
from pipeline.temporary_folder import TemporaryFolder
from preprocessing.base.errors import InputError
from preprocessing.base.staging import make_folder
from trainer.host_memory import HUGE_PAGES

Report = dict[str, Any]

# A node that is asked to end may take so long: it writes a checkpoint. Who asks the run to end gives it ten seconds,
# as a rule, and the run still has to record how it ended.
_SECONDS_TO_END = 8.0
_SECRETS = frozenset({SIGNING_KEY, ERASURE_KEY})


class NodeFailureError(Exception):
    """A node that did not complete.

    user_error: whether the caller's input was wrong. log: what it has printed, None where that would say no more.
    """

    def __init__(self, node: str, message: str, user_error: bool, log: Path | None) -> None:
        super().__init__(message)
        self.node = node
        self.message = message
        self.user_error = user_error
        self.log = log


class NodeServer:
    """The warm server of a run; its imports go on in the background, beside the nodes too.

    code: the folder that it and the processes of its nodes import this project from, whatever is installed.
    nodes: those that may be launched, in this order.
    log: where what it prints goes; None leaves it with this process.
    """

    def __init__(self, code: Path, nodes: Sequence[str], log: Path | None) -> None:
        self._log = log
        self._temporary = TemporaryFolder()
        ours, theirs = socket.socketpair()
        alive, self._alive = os.pipe()
        arguments = f"{theirs.fileno()}, {alive}, {list(nodes)}"
        command = f"from pipeline.node_server import serve; serve({arguments})"
        with _opened(log) as output:
            self._process = subprocess.Popen(
                [sys.executable, "-c", command],
                env=_environment(code, self._temporary.path),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                pass_fds=(theirs.fileno(), alive),
                # An interrupt at the terminal is for the run, which ends its nodes itself.
                start_new_session=True,
            )
        theirs.close()
        os.close(alive)
        self._connection = Connection(ours.detach())

    def run(
        self, request: LaunchRequest, log: Path | None, on_report: Callable[[Report], None]
    ) -> int:
        """Launch a node in a process of its own and pass on its reports; returns the id of its execution.

        Raises NodeFailureError when it fails or its process dies.
        """
        if log is not None:
            make_folder(log.parent)
        result: Report | None = None
        exit_code: int | None = None
        try:
            with self._connected(request.node):
                self._connection.send(NodeTask(request, log))
            while exit_code is None:
                with self._connected(request.node):
                    report = self._connection.recv() if self._connection.poll(1.0) else None
                if report is None:
                    on_report({})
                    exit_code = self._process.poll()
                elif "exit" in report:
                    exit_code = report["exit"]
                elif "result" in report:
                    result = report
                else:
                    on_report(report)
        except NodeFailureError:
            raise
        except BaseException:
            # The run is to end, and must not record an end while the node goes on.
            self.close()
            raise
        if result is None:
            message = f"its process ended by {how_it_ended(exit_code, request.node, log)}"
            raise NodeFailureError(request.node, message, False, log)
        if result["result"] == "failed":
            log = None if result["is_all"] else log
            raise NodeFailureError(request.node, result["message"], result["user_error"], log)
        return result["execution"]

    @contextmanager
    def _connected(self, node: str) -> Iterator[None]:
        """Raise NodeFailureError for a connection that breaks inside."""
        try:
            yield
        except (EOFError, ConnectionError):
            how = how_it_ended(self._process.wait())
            message = f"the server of node processes ended by {how}"
            raise NodeFailureError(node, message, False, self._log) from None

    def close(self) -> None:
        """End the server and what it has started; a second call does nothing."""
        if self._connection.closed:
            return
        self._connection.close()
        try:
            os.killpg(self._process.pid, signal.SIGTERM)
            self._process.wait(_SECONDS_TO_END)
        except ProcessLookupError:
            pass
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
        finally:
            os.close(self._alive)
            self._process.wait()
            self._temporary.close()


def _environment(code: Path, temporary: Path) -> dict[str, str]:
    """The environment of the server and of all that it starts, Beam's workers among them.

    The snapshot comes before what is installed, and the working folder, perhaps a checkout, is none to import from.
    The keys are for the run alone: what a node does may be a user's code. No bytecode is written: Python takes
    what a full disk has cut short for whole, and every later import of the snapshot would fail.
    """
    paths = os.pathsep.join([str(code), *filter(None, [os.environ.get("PYTHONPATH")])])
    inherited = {name: value for name, value in os.environ.items() if name not in _SECRETS}
    own = {
        "PYTHONPATH": paths,
        "PYTHONSAFEPATH": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "TMPDIR": str(temporary),
    }
    return HUGE_PAGES | inherited | own


@contextmanager
def _opened(log: Path | None) -> Iterator[int | None]:
    """A log to append to, as a descriptor."""
    if log is None:
        yield None
        return
    make_folder(log.parent)
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def output_to(log: Path) -> Iterator[None]:
    """Append to a log what this process, its libraries and the processes it starts print meanwhile."""
    make_folder(log.parent)
    with log.open("ab") as opened, _output_into(opened.fileno()):
        yield


@contextmanager
def output_set_aside() -> Iterator[None]:
    """Keep what this process and its libraries print meanwhile to themselves, unless it ends in an error of theirs."""
    with tempfile.TemporaryFile() as aside:
        try:
            with _output_into(aside.fileno()):
                yield
        except InputError:
            raise
        except Exception:
            aside.seek(0)
            sys.stderr.write(aside.read().decode(errors="replace"))
            raise


@contextmanager
def _output_into(descriptor: int) -> Iterator[None]:
    sys.stdout.flush()
    sys.stderr.flush()
    saved = os.dup(1), os.dup(2)
    try:
        os.dup2(descriptor, 1)
        os.dup2(descriptor, 2)
        yield
    finally:
        os.dup2(saved[0], 1)
        os.dup2(saved[1], 2)
        for opened in saved:
            os.close(opened)
