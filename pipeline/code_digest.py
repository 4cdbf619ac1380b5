"""Which source files of this project a module reaches, and their digests."""

from collections.abc import Iterable
from pathlib import Path

from preprocessing.digests import sha256_file
from preprocessing.import_walk import reached_files

PROJECT_ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("preprocessing", "trainer", "serving", "components", "pipeline")


def code_digests(modules: Iterable[str], files: Iterable[str] = ()) -> dict[str, str]:
    """Relative file name -> sha256 for every project file in the import closure of the modules, and for the files.

    What lies outside the project is covered by the lock file's digest instead. Raises InputError for a file that is
    not Python.
    """
    reached = reached_files(PROJECT_ROOT, PACKAGES, modules)
    reached |= {name: sha256_file(PROJECT_ROOT / name) for name in files}
    return dict(sorted(reached.items()))


def lock_digest() -> str:
    """The digest of the lock file, which stands for everything installed."""
    return sha256_file(PROJECT_ROOT / "requirements" / "cpu.lock")
