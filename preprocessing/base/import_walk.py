"""Which source files a module reaches by its imports, and their digests; nothing is executed."""

import ast
from collections.abc import Callable, Collection, Iterable, Iterator
from functools import lru_cache
from pathlib import Path

from preprocessing.base.digests import combine, sha256_bytes
from preprocessing.base.errors import InputError

_ROOT = Path(__file__).resolve().parents[2]
_PACKAGE = "preprocessing"


def reached_files(
    packages: Collection[str], modules: Iterable[str], read: Callable[[str], bytes | None]
) -> dict[str, bytes]:
    """Posix name -> source of every file in the import closure of the modules.

    Imports are read from the syntax tree wherever they stand, inside functions too. Only modules of
    `packages` are followed. read: the source in a file of that name; None where there is no such
    file. Raises InputError for a file that is not Python.
    """
    reached: dict[str, bytes] = {}
    waiting = [name for module in modules for name in _with_packages(module)]
    while waiting:
        first, *rest = waiting.pop().split(".")
        if first not in packages:
            continue
        module = "/".join([first, *rest])
        for path in (f"{module}.py", f"{module}/__init__.py"):
            if path in reached:
                break
            source = read(path)
            if source is not None:
                reached[path] = source
                waiting += _imported_by(path, source)
                break
    return reached


def closure_digest(root: Path, packages: Collection[str], module: str) -> str:
    """The digest of the source files beneath `root` that a module reaches, as `reached_files` does."""

    def read(name: str) -> bytes | None:
        path = root / name
        return path.read_bytes() if path.is_file() else None

    reached = reached_files(packages, [module], read)
    return combine({name: sha256_bytes(source) for name, source in reached.items()})


def code_digest(module: str) -> str:
    """The digest of the source files of `preprocessing` that `module` reaches by its imports."""
    return closure_digest(_ROOT, (_PACKAGE,), module)


@lru_cache(maxsize=1024)
def _imported_by(path: str, source: bytes) -> tuple[str, ...]:
    """The names that a source file imports."""
    try:
        tree = ast.parse(source, path)
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None) or 1
        raise InputError(f"{path}:{line}: not Python: {error}. Mend it.") from error
    return tuple(_imports(tree, path))


def _imports(tree: ast.AST, path: str) -> Iterator[str]:
    package = path.split("/")[:-1]
    for node in _statements(tree):
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


def _statements(tree: ast.AST) -> Iterator[ast.AST]:
    """The statements of a tree, wherever they stand; a walk through all of its nodes takes nine times as long."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        for field in ("body", "orelse", "finalbody", "handlers", "cases"):
            part = getattr(node, field, ())
            if isinstance(part, list):
                waiting += part


def _with_packages(module: str) -> Iterator[str]:
    """A module and the packages that are imported on the way to it."""
    parts = module.split(".")
    return (".".join(parts[:end]) for end in range(1, len(parts) + 1))
