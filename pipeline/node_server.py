"""The process that has imported TFX once and forks one for each node; it runs on a snapshot of the code.

    run --(socket: NodeTask)--> server --fork--> node's process --(socket: reports, result)--> run
                                server --(socket: exit status)--> run

`node_process` starts it. One node is done at a time, so what comes through the socket is in order.
"""

import gc
import os
import signal
import sys
import threading
import traceback
from contextlib import suppress
from multiprocessing.connection import Connection

from pipeline.framework_imports import quiet_tensorflow, take_tfx_in_parts
from pipeline.launch_request import NodeTask
from pipeline.node_process import Report
from preprocessing.base import progress
from preprocessing.base.errors import InputError

# Python's own are (700, 10, 10).
_GC_THRESHOLDS = (50_000, 20, 20)


def serve(socket: int, alive: int) -> None:
    """Do the tasks that come through a socket until it is closed.

    alive: the reading end of a pipe whose other end closes with the run; a node's process ends then too.
    """
    quiet_tensorflow()
    take_tfx_in_parts()
    import pipeline.launch  # noqa: F401 - so that no node's process has to

    connection = Connection(socket)
    while True:
        try:
            task: NodeTask = connection.recv()
        except EOFError:
            return
        # Who ends the group asks the node, which may have something to keep; the server waits for it.
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        process = os.fork()
        if process == 0:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            try:
                _do(task, connection, alive)
            finally:
                os._exit(1)
        _, status = os.waitpid(process, 0)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        try:
            connection.send({"exit": os.waitstatus_to_exitcode(status)})
        except BrokenPipeError:
            return


def _do(task: NodeTask, connection: Connection, alive: int) -> None:
    """What the node's process does: it launches the node, sends reports and the result, and ends."""
    collect_rarely()
    threading.Thread(target=_end_with_run, args=(alive,), daemon=True).start()
    if task.log is not None:
        descriptor = os.open(task.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        for stream in (1, 2):
            os.dup2(descriptor, stream)
    # Beam reports from several threads, and a socket is no place for two messages at once.
    turn = threading.Lock()

    def send(report: Report) -> None:
        # A run that ends its node listens no more, and the node may have something to keep.
        with turn, suppress(ConnectionError):
            connection.send(report)

    progress.set_sink(send)
    status = 0
    try:
        from absl import logging

        from pipeline.launch import launch

        logging.set_verbosity(logging.INFO)
        result: Report = {"result": "launched", "execution": launch(task.request)}
    except Exception as error:
        traceback.print_exc()
        message, user_error = _describe(error)
        result = {"result": "failed", "message": message, "user_error": user_error}
        status = 1
    send(result)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def collect_rarely() -> None:
    """Spare a forked process the search for garbage: its imports stay, and its 100,000s of records are no cycles."""
    gc.freeze()
    gc.set_threshold(*_GC_THRESHOLDS)


def _end_with_run(alive: int) -> None:
    """Without its run nobody would record what this node makes, and another run may begin."""
    os.read(alive, 1)
    os.kill(os.getpid(), signal.SIGKILL)


def _describe(error: BaseException) -> tuple[str, bool]:
    """(message, whether it is a user's mistake) of an error, looking through what libraries wrap around it."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, InputError):
            return str(seen), True
        seen = seen.__cause__ or seen.__context__
    return f"{type(error).__name__}: {error}", False
