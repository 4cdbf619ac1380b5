"""A full disk is a failure in one line, whatever noticed it."""

import errno
import sqlite3

import pytest

from pipeline.failure import full_disk_told
from preprocessing.base.errors import FailureError


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        OSError(errno.EDQUOT, "Disk quota exceeded", "a/file"),
        sqlite3.OperationalError("database or disk is full"),
    ],
)
def test_a_full_disk_is_told(error: Exception) -> None:
    with (
        pytest.raises(FailureError, match=r"no space left on device\. Make room"),
        full_disk_told(),
    ):
        raise error


@pytest.mark.parametrize(
    "error", [OSError(errno.EACCES, "Permission denied"), sqlite3.OperationalError("no such table")]
)
def test_anything_else_passes(error: Exception) -> None:
    with pytest.raises(type(error)), full_disk_told():
        raise error
