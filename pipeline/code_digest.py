"""Which source files of this project a module reaches, and their digests."""

import ast
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from preprocessing.digests import sha256_bytes, sha256_file
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


def builder_digest(function: str) -> dict[str, str]:
    """The digest of the function of `pipeline/graph.py` that makes a node's component, under a name of its own.

    The whole file is in no key: a change to one node's wiring is none to the others'.
    """
    path = PROJECT_ROOT / "pipeline" / "graph.py"
    return {
        f"pipeline/graph.py:{function}": _function_digests(path, path.stat().st_mtime_ns)[function]
    }


def lock_digest() -> str:
    """The digest of the lock file, which stands for everything installed."""
    return sha256_file(PROJECT_ROOT / "requirements" / "cpu.lock")


@lru_cache(maxsize=4)
def _function_digests(path: Path, mtime_ns: int) -> dict[str, str]:
    """The digest of each function of a source file; comments do not count. `mtime_ns` is for the cache."""
    return {
        node.name: sha256_bytes(ast.unparse(node).encode())
        for node in ast.parse(path.read_bytes(), str(path)).body
        if isinstance(node, ast.FunctionDef)
    }
