"""The process that has imported TFX once and forks one for each node; it runs on a snapshot of the code.

    run --(socket: NodeTask)--> server --fork--> node's process --(socket: reports, result)--> run
                                server --(socket: exit status)--> run

`node_process` starts it. One node is done at a time, so what comes through the socket is in order. A node waits for the
imports of its own component alone: what later nodes import (TensorFlow for the most part) is imported when there is
nothing else to do, also while a node runs.
"""

import gc
import os
import signal
import sys
import threading
import traceback
from collections.abc import Sequence
from contextlib import suppress
from multiprocessing.connection import Connection
from types import FrameType

from pipeline.framework_imports import quiet_tensorflow, take_tfx_in_parts
from pipeline.launch_request import NodeTask
from pipeline.node_failures import told
from pipeline.node_process import Report
from preprocessing.base import progress
from serving.refused_imports import imports_refused

# Python's own are (700, 10, 10).
_GC_THRESHOLDS = (50_000, 20, 20)


def serve(socket: int, alive: int, nodes: Sequence[str]) -> None:
    """Do the tasks that come through a socket until it is closed.

    alive: the reading end of a pipe whose other end closes with the run; a node's process ends then too.
    nodes: the nodes whose tasks may come, in this order.
    """
    # What is imported stays, and to look for garbage among it takes longer than a quarter of the imports.
    gc.disable()
    quiet_tensorflow()
    take_tfx_in_parts()
    # So that no node's process has to. An artifact of TFX asks for setuptools when it is made.
    import setuptools  # noqa: F401

    # TFX's compiler and launcher ask for TensorFlow, for documentation and for files in the cloud, and go without it,
    # as its SDK does. It takes 2 s, and corpus, tokens and versions are made without it.
    with imports_refused("tensorflow"):
        import pipeline.launch  # noqa: F401
    _Server(Connection(socket), alive, nodes).serve()


class _Server:
    """The loop of the server."""

    def __init__(self, connection: Connection, alive: int, nodes: Sequence[str]) -> None:
        self._connection = connection
        self._alive = alive
        self._ahead = list(nodes)
        self._node_runs = False
        self._waiter: threading.Thread | None = None

    def serve(self) -> None:
        signal.signal(signal.SIGTERM, self._end)
        while True:
            while self._ahead and not self._connection.poll():
                self._import(self._ahead.pop(0))
            try:
                task: NodeTask = self._connection.recv()
            except EOFError:
                return
            self._start(task)

    def _import(self, node: str) -> None:
        from pipeline.graph import import_component

        import_component(node)

    def _start(self, task: NodeTask) -> None:
        """Fork the process of a node, and send how it ended when it has."""
        if self._waiter is not None:
            # It has sent that, or no task would come. A process is forked from a single thread.
            self._waiter.join()
        self._import(task.request.node)
        if task.request.node in self._ahead:
            del self._ahead[: self._ahead.index(task.request.node) + 1]
        self._node_runs = True
        process = os.fork()
        if process == 0:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            try:
                _do(task, self._connection, self._alive)
            finally:
                os._exit(1)
        self._waiter = threading.Thread(target=self._wait, args=(process,))
        self._waiter.start()

    def _wait(self, process: int) -> None:
        _, status = os.waitpid(process, 0)
        self._node_runs = False
        try:
            self._connection.send({"exit": os.waitstatus_to_exitcode(status)})
        except ConnectionError:
            # The run is gone, and what is being imported is for nobody.
            os._exit(0)

    def _end(self, signum: int, frame: FrameType | None) -> None:
        """Who ends the group asks the node, which may have something to keep; the server waits for it."""
        if not self._node_runs:
            signal.signal(signum, signal.SIG_DFL)
            signal.raise_signal(signum)


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
        result = {"result": "failed", **told(error, task.request.node)._asdict()}
        status = 1
    send(result)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def collect_rarely() -> None:
    """Spare a forked process the search for garbage: its imports stay, and its 100,000s of records are no cycles."""
    gc.freeze()
    gc.set_threshold(*_GC_THRESHOLDS)
    gc.enable()


def _end_with_run(alive: int) -> None:
    """Without its run nobody would record what this node makes, and another run may begin."""
    os.read(alive, 1)
    os.kill(os.getpid(), signal.SIGKILL)
