"""Which source files of this project a module reaches, and their digests."""

import ast
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path

from preprocessing.digests import sha256_bytes, sha256_file
from preprocessing.errors import InputError

PROJECT_ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("preprocessing", "trainer", "serving", "components", "pipeline")


def code_digests(modules: Iterable[str], files: Iterable[str] = ()) -> dict[str, str]:
    """Relative file name -> sha256 for every project file in the import closure of the modules.

    Imports are read from the syntax tree wherever they stand, inside functions too, so nothing is executed. What lies
    outside the project is covered by the lock file's digest instead. Raises InputError for a file that is not Python.
    """
    reached: dict[str, str] = {}
    waiting = [name for module in modules for name in _with_packages(module)]
    while waiting:
        path = _module_file(waiting.pop())
        if path is None or _relative(path) in reached:
            continue
        digest, imports = _read_source(path, path.stat().st_mtime_ns)
        reached[_relative(path)] = digest
        waiting += imports
    for name in files:
        reached[name] = sha256_file(PROJECT_ROOT / name)
    return dict(sorted(reached.items()))


def builder_digest(function: str) -> dict[str, str]:
    """The digest of the function of `pipeline/graph.py` that makes a node's component, under a name of its own.

    The whole file is in no key: a change to one node's wiring is none to the others'.
    """
    path = PROJECT_ROOT / "pipeline" / "graph.py"
    return {
        f"{_relative(path)}:{function}": _function_digests(path, path.stat().st_mtime_ns)[function]
    }


def lock_digest() -> str:
    """The digest of the lock file, which stands for everything installed."""
    return sha256_file(PROJECT_ROOT / "requirements" / "cpu.lock")


def _relative(path: Path) -> str:
    return path.relative_to(PROJECT_ROOT).as_posix()


def _module_file(module: str) -> Path | None:
    """The file of a project module; None for a name that is no module of this project."""
    if module.split(".")[0] not in PACKAGES:
        return None
    path = PROJECT_ROOT.joinpath(*module.split("."))
    for candidate in (path.with_suffix(".py"), path / "__init__.py"):
        if candidate.is_file():
            return candidate
    return None


@lru_cache(maxsize=1024)
def _read_source(path: Path, mtime_ns: int) -> tuple[str, tuple[str, ...]]:
    """(digest, imported names) of a source file; `mtime_ns` is there for the cache alone."""
    source = path.read_bytes()
    try:
        tree = ast.parse(source, str(path))
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None) or 1
        raise InputError(f"{_relative(path)}:{line}: not Python: {error}. Mend it.") from error
    return sha256_bytes(source), tuple(_imports(tree, path))


@lru_cache(maxsize=4)
def _function_digests(path: Path, mtime_ns: int) -> dict[str, str]:
    """The digest of each function of a source file; comments do not count. `mtime_ns` is for the cache."""
    return {
        node.name: sha256_bytes(ast.unparse(node).encode())
        for node in ast.parse(path.read_bytes(), str(path)).body
        if isinstance(node, ast.FunctionDef)
    }


def _imports(tree: ast.AST, path: Path) -> Iterator[str]:
    package = path.relative_to(PROJECT_ROOT).parent.parts
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package[: len(package) - node.level + 1]) if node.level else ""
            module = ".".join(filter(None, [base, node.module or ""]))
            # `from package import module` names a module only beside its package.
            names = [module, *(f"{module}.{alias.name}" for alias in node.names)]
        else:
            continue
        for name in names:
            yield from _with_packages(name)


def _with_packages(module: str) -> Iterator[str]:
    """A module and the packages that are imported on the way to it."""
    parts = module.split(".")
    return (".".join(parts[:end]) for end in range(1, len(parts) + 1))
