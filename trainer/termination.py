"""SIGTERM as a request: what was asked to end ends where it loses nothing."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Termination:
    """Whether a SIGTERM came (`asked`) where one ends nothing by itself (`as_a_request`)."""

    def __init__(self) -> None:
        self.asked = False

    def end_process(self) -> None:
        """End the process by the SIGTERM that it was asked to end with."""
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGTERM)

    @contextmanager
    def as_a_request(self) -> Iterator[None]:
        """A context in which a SIGTERM is noted; at its end the process ends by one that came.

        Python handles signals in the main thread alone: in another one a SIGTERM ends the process as it did before.
        """
        if threading.current_thread() is not threading.main_thread():
            yield
            return

        def note(*_: object) -> None:
            self.asked = True

        earlier = signal.signal(signal.SIGTERM, note)
        try:
            yield
        finally:
            signal.signal(signal.SIGTERM, earlier)
            if self.asked:  # when there was nothing left to keep
                os.kill(os.getpid(), signal.SIGTERM)
