"""Commands of a user who is not root and has no home."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

_ID = 65534
# Folders where anybody may make one; the folder that holds those of the other tests is closed to him.
_SHARED = "/dev/shm" if Path("/dev/shm").is_dir() else "/tmp"

# Stands before a command. He may read whatever there is, also a Python in root's home, and write what is his.
ANOTHER_USER = [
    *("env", "-u", "HOME", "setpriv", f"--reuid={_ID}", f"--regid={_ID}", "--clear-groups"),
    *("--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"),
]


@contextmanager
def folder_of_another() -> Iterator[Path]:
    """A folder where he reaches it, whose name has all that names may have."""
    if os.geteuid() != 0:
        pytest.skip("needs root, to become another user")
    with tempfile.TemporaryDirectory(prefix="another's Gr\u00f6\u00dfe ", dir=_SHARED) as folder:
        yield Path(folder)


def give_to_another(folder: Path) -> None:
    """Make him the owner of a folder and of what is in it."""
    for path in [folder, *folder.rglob("*")]:
        shutil.chown(path, _ID, _ID)
