"""Which source files a module reaches by its imports, and their digests; nothing is executed."""

import ast
from collections.abc import Collection, Iterable, Iterator
from functools import lru_cache
from pathlib import Path

from preprocessing.digests import sha256_bytes
from preprocessing.errors import InputError


def reached_files(root: Path, packages: Collection[str], modules: Iterable[str]) -> dict[str, str]:
    """Posix path relative to `root` -> sha256 of every file in the import closure of the modules.

    Imports are read from the syntax tree wherever they stand, inside functions too. Only modules of
    `packages`, top-level packages beneath `root`, are followed. Raises InputError for a file that is
    not Python.
    """
    reached: dict[str, str] = {}
    waiting = [name for module in modules for name in _with_packages(module)]
    while waiting:
        path = _module_file(root, packages, waiting.pop())
        if path is None or path in reached:
            continue
        reached[path], imports = _read_source(root, path, (root / path).stat().st_mtime_ns)
        waiting += imports
    return reached


def _module_file(root: Path, packages: Collection[str], module: str) -> str | None:
    """The file of a module; None for a name that is no module of the packages."""
    first, *rest = module.split(".")
    if first not in packages:
        return None
    path = "/".join([first, *rest])
    return next((p for p in (f"{path}.py", f"{path}/__init__.py") if (root / p).is_file()), None)


@lru_cache(maxsize=1024)
def _read_source(root: Path, path: str, mtime_ns: int) -> tuple[str, tuple[str, ...]]:
    """(digest, imported names) of a source file; `mtime_ns` is there for the cache alone."""
    source = (root / path).read_bytes()
    try:
        tree = ast.parse(source, path)
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None) or 1
        raise InputError(f"{path}:{line}: not Python: {error}. Mend it.") from error
    return sha256_bytes(source), tuple(_imports(tree, path))


def _imports(tree: ast.AST, path: str) -> Iterator[str]:
    package = path.split("/")[:-1]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, node.module] if node.module else base)
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
