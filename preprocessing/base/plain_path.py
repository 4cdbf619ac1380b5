"""Paths for libraries that take what looks like a pattern for one: TensorFlow looks for `exp [1]` as `exp 1`."""

import glob
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def plain_path(path: Path) -> Iterator[Path]:
    """A path to the same folder, or to the same file or prefix of files, without `*`, `?` and `[` in its folders.

    It is `path` itself, or leads through a link that is there until the end.
    """
    if not glob.has_magic(str(path)):
        yield path
        return
    with tempfile.TemporaryDirectory() as folder:
        is_folder = path.is_dir()
        link = Path(folder, "link")
        link.symlink_to((path if is_folder else path.parent).resolve())
        yield link if is_folder else link / path.name
