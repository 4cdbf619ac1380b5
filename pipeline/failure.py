"""What means that it could not be done, and neither the input nor the code is wrong."""

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

_FULL = (errno.ENOSPC, errno.EDQUOT)


class FailureError(Exception):
    """Shown as one line without a traceback, exit status 1: what failed, where, and the remedy."""


def is_full(error: Exception) -> bool:
    """Whether something could not be written because there is no room for it."""
    if isinstance(error, OSError):
        return error.errno in _FULL
    return "disk is full" in str(error)


@contextmanager
def full_disk_told() -> Iterator[None]:
    """Raise FailureError in place of what a full disk raises."""
    try:
        yield
    except (OSError, sqlite3.OperationalError) as error:
        if not is_full(error):
            raise
        where = f"{error.filename}: " if isinstance(error, OSError) and error.filename else ""
        raise FailureError(
            f"{where}no space left on device. Make room, then run again: what is complete is reused."
        ) from error
