"""A folder for what the nodes of a run write where temporary files go: TFX and Beam leave theirs behind."""

import contextlib
import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

_PREFIX = "gpt2-tfx-nodes-"
# A younger one may have been made a moment ago, by a process that does not hold it yet.
_YOUNG_SECONDS = 60.0


class TemporaryFolder:
    """A folder that is there until `close`; one whose process was killed goes when the next is made.

    It lies where the system keeps temporary files: sockets lie in it, and their paths must be short.
    """

    def __init__(self) -> None:
        for abandoned in _abandoned(Path(tempfile.gettempdir())):
            shutil.rmtree(abandoned, ignore_errors=True)
        self.path = Path(tempfile.mkdtemp(prefix=_PREFIX))
        # The kernel lets go of it when the process ends, however it ends.
        self._held = os.open(self.path, os.O_RDONLY)
        fcntl.flock(self._held, fcntl.LOCK_EX)

    def close(self) -> None:
        """Remove it."""
        shutil.rmtree(self.path, ignore_errors=True)
        os.close(self._held)


def _abandoned(place: Path) -> Iterator[Path]:
    """The folders of this user that no process holds."""
    for path in place.glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError):
            held = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            try:
                state = os.fstat(held)
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if state.st_uid == os.getuid() and time.time() - state.st_mtime > _YOUNG_SECONDS:
                    yield path
            finally:
                os.close(held)
