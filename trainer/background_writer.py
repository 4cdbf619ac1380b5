"""Writing files while a training goes on."""

import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import FrameType, TracebackType


class BackgroundWriter:
    """Does one piece of writing at a time, on a thread of its own; a context that ends when all is written.

    A SIGTERM that comes inside of it ends the process when what is being written is whole. Python
    handles signals in the main thread alone, so elsewhere one ends the process at once.
    """

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, "writer")
        self._writing: Future[None] | None = None
        self._handles_signals = threading.current_thread() is threading.main_thread()

    def start(self, write: Callable[[], None]) -> None:
        """Begin to write, when what was being written is. Raises what writing that raised."""
        self.wait()
        self._writing = self._thread.submit(write)

    def wait(self) -> None:
        """Wait for what is being written. Raises what writing it raised, once."""
        writing, self._writing = self._writing, None
        if writing is not None:
            writing.result()

    def __enter__(self) -> "BackgroundWriter":
        if self._handles_signals:
            self._earlier = signal.signal(signal.SIGTERM, self._end)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            self.wait()
        finally:
            self._thread.shutdown()
            if self._handles_signals:
                signal.signal(signal.SIGTERM, self._earlier)

    def _end(self, number: int, frame: FrameType | None) -> None:
        self._thread.shutdown()
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
