"""What a folder looks like from outside, to see that a command left it alone."""

from pathlib import Path


def snapshot(folder: Path) -> dict[str, tuple[int, int]]:
    """Relative name -> (time of the last change, size) of every file and folder beneath, the folder itself too.

    A file that came and went, such as a journal of SQLite, changes the time of its folder.
    """
    return {
        str(path.relative_to(folder)): (path.lstat().st_mtime_ns, path.lstat().st_size)
        for path in [folder, *folder.rglob("*")]
    }
