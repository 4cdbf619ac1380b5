"""A process for each node, forked from a warm server that has imported TFX once."""

import gc
import multiprocessing
import os
import signal
import sys
import tempfile
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing import forkserver
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from pipeline.launch_request import LaunchRequest
from preprocessing import progress
from preprocessing.errors import InputError
from trainer.host_memory import HUGE_PAGES

Report = dict[str, Any]

# Python's own are (700, 10, 10).
_GC_THRESHOLDS = (50_000, 20, 20)


class NodeFailureError(Exception):
    """A node that did not complete. `user_error` says that the caller's input was wrong."""

    def __init__(self, node: str, message: str, user_error: bool, log: Path | None) -> None:
        super().__init__(message)
        self.node = node
        self.message = message
        self.user_error = user_error
        self.log = log


def quiet_tensorflow() -> None:
    """Keep TensorFlow's start short: its C++ lines down (errors still reach the node's log), and Keras 3 out.

    TensorFlow imports a Keras when it is imported, of which nothing here is used. The third one has IPython, Matplotlib
    and scikit-learn in tow: 2 s and 90 MB more than the second.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")


def collect_rarely() -> None:
    """Spare a forked process the search for garbage: its imports stay, and its 100,000s of records are no cycles."""
    gc.freeze()
    gc.set_threshold(*_GC_THRESHOLDS)


def start_warm_server(log: Path) -> None:
    """Start the server from which node processes are forked; its imports go on in the background."""
    quiet_tensorflow()
    for name, value in HUGE_PAGES.items():
        os.environ.setdefault(name, value)
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["pipeline.launch"])
    log.parent.mkdir(parents=True, exist_ok=True)
    with output_to(log):
        forkserver.ensure_running()


def run_node(request: LaunchRequest, log: Path, on_report: Callable[[Report], None]) -> int:
    """Launch a node in a process of its own and pass on its reports; returns the id of its execution.

    Raises NodeFailureError when it fails or its process dies.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    context = multiprocessing.get_context("forkserver")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(
        target=_child, args=(request, str(log), sender), name=request.node, daemon=False
    )
    process.start()
    sender.close()
    result: Report | None = None
    try:
        while result is None:
            if not receiver.poll(1.0):
                on_report({})
                # A process that it started may hold the pipe open, so its end alone would not show here.
                if not process.is_alive() and not receiver.poll():
                    break
                continue
            try:
                report = receiver.recv()
            except EOFError:
                break
            if "result" in report:
                result = report
            else:
                on_report(report)
        process.join()
    except BaseException:
        process.terminate()
        process.join()
        raise
    return _execution_id(request.node, result, process.exitcode, log)


def run_node_here(request: LaunchRequest, on_report: Callable[[Report], None]) -> int:
    """Launch a node in this process (a container is a process of its own already)."""
    quiet_tensorflow()
    from pipeline.launch import launch

    progress.set_sink(on_report)
    try:
        return launch(request)
    except Exception as error:
        traceback.print_exc()
        message, user_error = _describe(error)
        raise NodeFailureError(request.node, message, user_error, None) from error
    finally:
        progress.set_sink(None)


def _execution_id(node: str, result: Report | None, exit_code: int | None, log: Path) -> int:
    if result is None:
        how = f"exit status {exit_code}"
        if exit_code is not None and exit_code < 0:
            how = signal.Signals(-exit_code).name
        raise NodeFailureError(node, f"its process ended by {how}", False, log)
    if result["result"] == "failed":
        raise NodeFailureError(node, result["message"], result["user_error"], log)
    return result["execution"]


def _child(request: LaunchRequest, log: str, sender: Connection) -> None:
    """The node's process: everything printed goes to its log, reports and the result to the parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    collect_rarely()
    threading.Thread(target=_end_with_parent, daemon=True).start()
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for stream in (1, 2):
        os.dup2(descriptor, stream)
    # Beam reports from several threads, and a pipe is no place for two messages at once.
    turn = threading.Lock()

    def send(report: Report) -> None:
        with turn:
            sender.send(report)

    progress.set_sink(send)
    try:
        from absl import logging

        from pipeline.launch import launch

        logging.set_verbosity(logging.INFO)
        execution = launch(request)
    except Exception as error:
        traceback.print_exc()
        message, user_error = _describe(error)
        send({"result": "failed", "message": message, "user_error": user_error})
    else:
        send({"result": "launched", "execution": execution})
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        sender.close()


def _end_with_parent() -> None:
    """Without its run nobody would record what this node makes, and another run may begin."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _describe(error: BaseException) -> tuple[str, bool]:
    """(message, whether it is a user's mistake) of an error, looking through what libraries wrap around it."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, InputError):
            return str(seen), True
        seen = seen.__cause__ or seen.__context__
    return f"{type(error).__name__}: {error}", False


@contextmanager
def output_to(log: Path) -> Iterator[None]:
    """Append to a log what this process, its libraries and the processes it starts print meanwhile."""
    log.parent.mkdir(parents=True, exist_ok=True)
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
