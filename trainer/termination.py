"""SIGTERM as a request: what was asked to end ends where it loses nothing."""

import os
import signal
import threading
from types import FrameType, TracebackType


class Termination:
    """A context in which a SIGTERM ends nothing by itself; `asked` says that one came.

    Python handles signals in the main thread alone: in another one a SIGTERM ends the process as it did before.
    """

    def __init__(self) -> None:
        self.asked = False
        self._handles_signals = threading.current_thread() is threading.main_thread()

    def end_process(self) -> None:
        """End the process by the SIGTERM that it was asked to end with."""
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGTERM)

    def __enter__(self) -> "Termination":
        if self._handles_signals:
            self._earlier = signal.signal(signal.SIGTERM, self._note)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if not self._handles_signals:
            return
        signal.signal(signal.SIGTERM, self._earlier)
        if self.asked:
            # It came when there was nothing left to keep.
            os.kill(os.getpid(), signal.SIGTERM)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.asked = True
