"""Disks and memory that do not suffice: one line with the remedy in place of what anything raises."""

import errno
import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from preprocessing.base.errors import FailureError

_FULL = (errno.ENOSPC, errno.EDQUOT)
# So TensorFlow says that it has no memory for a constant of a graph.
_NO_CONSTANT = "Cannot parse tensor from proto"
# What it says of memory, behind and before where it was.
_OF_TENSORFLOW = re.compile(rf"(?m)(?:OOM|Out of memory|{_NO_CONSTANT}).*?(?=: | on /|$)")


def is_full(error: BaseException) -> bool:
    """Whether something could not be written because there is no room for it."""
    if isinstance(error, OSError):
        return error.errno in _FULL
    return "disk is full" in str(error)


def memory_failure(error: BaseException) -> str | None:
    """What is said where the memory of the machine or of a GPU did not suffice, whatever noticed it; else None."""
    kind, text = type(error).__name__, str(error)
    is_of_tensorflow = kind == "ResourceExhaustedError" or _NO_CONSTANT in text
    if not isinstance(error, MemoryError) and not is_of_tensorflow:
        return None
    said = _OF_TENSORFLOW.search(text)
    reason = said[0] if said else (text or kind).splitlines()[0]
    return f"the memory does not suffice ({reason.strip(' :')})"


def disk_failure(error: BaseException) -> FailureError | None:
    """What is raised in place of what a full disk raises; None where that is not the reason."""
    if not isinstance(error, (OSError, sqlite3.OperationalError)) or not is_full(error):
        return None
    where = f"{error.filename}: " if isinstance(error, OSError) and error.filename else ""
    return FailureError(
        f"{where}no space left on device. Make room, then run again: what is complete is reused."
    )


@contextmanager
def full_disk_told() -> Iterator[None]:
    """Raise FailureError in place of what a full disk raises."""
    try:
        yield
    except (OSError, sqlite3.OperationalError) as error:
        if failure := disk_failure(error):
            raise failure from error
        raise
