"""Writing files while a training goes on."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor


class BackgroundWriter:
    """Does one piece of writing at a time, on a thread of its own."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, "writer")
        self._writing: Future[None] | None = None

    def start(self, write: Callable[[], None]) -> None:
        """Begin to write, when what was being written is. Raises what writing that raised."""
        self.wait()
        self._writing = self._thread.submit(write)

    def wait(self) -> None:
        """Wait for what is being written. Raises what writing it raised, once."""
        writing, self._writing = self._writing, None
        if writing is not None:
            writing.result()

    def close(self) -> None:
        """End when all is written. Raises what writing it raised."""
        try:
            self.wait()
        finally:
            self._thread.shutdown()
