"""Files of others while something reads them: that what was read is what the digests say.

The digests are of the bytes before the reading. If no file's stat has changed when the reading has ended, these bytes
were read: a change shows in the stat even where it is taken back, and so does a link or a change of rights, which
count as changes here.
"""

import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from preprocessing.base.file_state import FileState, is_settled, state_of
from preprocessing.base.folder_files import files_beneath

_TICK_SECONDS = 0.05


class ContentChangedError(Exception):
    """A file changed while it was read; the message names it."""

    def __init__(self, path: Path, while_: str) -> None:
        super().__init__(path, while_)  # as given, so that it can be pickled
        self._path, self._while = path, while_

    def __str__(self) -> str:
        return (
            f"{self._path}: changed while {self._while}, so that nobody can say what was read. "
            "Run again."
        )


def file_states(root: Path) -> dict[str, FileState]:
    """The stat of every file beneath `root` by its name, once any later change would show in it.

    A file that has just been changed is waited for, two seconds at the most. Raises ContentChangedError for one that
    is gone before it was looked at.
    """
    found = {}
    with _still_there(root, "it was looked at"):
        for name, path in files_beneath(root):
            while not is_settled(stat := os.stat(path), time.time_ns()) and not _is_ahead(stat):
                time.sleep(_TICK_SECONDS)
            found[name] = state_of(stat)
    return found


def check_unchanged(root: Path, before: Mapping[str, FileState], while_: str) -> None:
    """Raise ContentChangedError unless the files beneath `root` have the stats that they had."""
    now = {}
    with _still_there(root, while_):
        for name, path in files_beneath(root):
            now[name] = state_of(os.stat(path))
    for name in sorted({*before, *now}):
        if before.get(name) != now.get(name):
            raise ContentChangedError(root if root.is_file() else root / name, while_)


@contextmanager
def _still_there(root: Path, while_: str) -> Iterator[None]:
    """Raise ContentChangedError where a file or a folder that is looked at is gone."""
    try:
        yield
    except (FileNotFoundError, NotADirectoryError) as error:
        raise ContentChangedError(Path(error.filename or root), while_) from error


def write_stats(file: Path, root: Path | None) -> None:
    """Write the stats of the files beneath `root` for a process that will read them; of None there are no files."""
    file.parent.mkdir(parents=True, exist_ok=True)
    stats = {} if root is None else {"root": str(root), "files": file_states(root)}
    file.write_text(json.dumps(stats), encoding="utf-8")


def check_unchanged_since(file: Path, while_: str) -> None:
    """`check_unchanged` against what `write_stats` wrote."""
    written = json.loads(file.read_text(encoding="utf-8"))
    if written:
        before = {name: FileState(*state) for name, state in written["files"].items()}
        check_unchanged(Path(written["root"]), before, while_)


def _is_ahead(stat: os.stat_result) -> bool:
    """Whether a file's time is in the future, by its owner or by another machine's clock: it may not settle."""
    return max(stat.st_mtime, stat.st_ctime) > time.time() + 1
