"""What a module reaches by its imports and the names that it mentions, and the digests of that; nothing is executed."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from pathlib import Path

from preprocessing.base.definitions import SourceFile, parse
from preprocessing.base.digests import combine

_ROOT = Path(__file__).resolve().parents[2]
_PACKAGE = "preprocessing"
# The part of a file that is no definition.
BODY = ""


def reached_files(
    packages: Collection[str], modules: Iterable[str], read: Callable[[str], bytes | None]
) -> dict[str, SourceFile]:
    """Posix name -> every file in the import closure of the modules.

    Imports are read from the syntax tree wherever they stand, inside functions too. Only modules of
    `packages` are followed. read: the source in a file of that name; None where there is no such
    file. Raises InputError for a file that is not Python.
    """
    reached: dict[str, SourceFile] = {}
    waiting = [name for module in modules for name in _with_packages(module)]
    while waiting:
        first, *rest = waiting.pop().split(".")
        if first not in packages:
            continue
        for path in _paths(".".join([first, *rest])):
            if path in reached:
                break
            source = read(path)
            if source is not None:
                reached[path] = parse(path, source)
                for name in reached[path].imports:
                    waiting += _with_packages(name)
                break
    return reached


def reached_code(
    packages: Collection[str], modules: Collection[str], read: Callable[[str], bytes | None]
) -> dict[str, dict[str, str]]:
    """Posix name -> definition -> digest, of what the modules reach in the files of their import closure.

    Of the modules themselves that is all; of the others what importing them does (BODY), and each function and class
    whose name is mentioned, by whatever it is called there and wherever it comes from, in what is reached. Where a file
    of the closure may reach others without mentioning them, it is all of them. Raises InputError as `reached_files`.
    """
    files = reached_files(packages, modules, read)
    whole = {path for module in modules for path in _paths(module)}
    if any(file.is_dynamic for file in files.values()):
        whole = set(files)
    mentioned = _mentioned(files, whole)
    return {
        path: {
            BODY: file.body.digest,
            **{
                name: definition.digest
                for name, definition in file.definitions.items()
                if path in whole or name in mentioned
            },
        }
        for path, file in sorted(files.items())
    }


def file_digests(reached: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """Posix name -> the digest of what is reached of a file."""
    return {path: combine(definitions) for path, definitions in reached.items()}


def closure_digest(root: Path, packages: Collection[str], module: str) -> str:
    """The digest of what a module reaches in the source files beneath `root`."""

    def read(name: str) -> bytes | None:
        path = root / name
        return path.read_bytes() if path.is_file() else None

    return combine(file_digests(reached_code(packages, [module], read)))


def code_digest(module: str) -> str:
    """The digest of what `module` reaches in the source files of `preprocessing`."""
    return closure_digest(_ROOT, (_PACKAGE,), module)


def _mentioned(files: Mapping[str, SourceFile], whole: Collection[str]) -> set[str]:
    """Every name that is mentioned in what is reached."""
    aliases: dict[str, set[str]] = {}
    named: dict[str, list[frozenset[str]]] = {}
    found: set[str] = set()
    waiting: list[frozenset[str]] = []
    for path, file in files.items():
        waiting.append(file.body.mentions)
        for name, definition in file.definitions.items():
            named.setdefault(name, []).append(definition.mentions)
            if path in whole:
                waiting.append(definition.mentions)
        for name, original in file.aliases:
            aliases.setdefault(name, set()).add(original)
    while waiting:
        for name in waiting.pop() - found:
            found.add(name)
            waiting += named.get(name, ())
            if name in aliases:
                waiting.append(frozenset(aliases[name]))
    return found


def _paths(module: str) -> tuple[str, str]:
    """The files that a module may be."""
    path = module.replace(".", "/")
    return f"{path}.py", f"{path}/__init__.py"


def _with_packages(module: str) -> Iterator[str]:
    """A module and the packages that are imported on the way to it."""
    parts = module.split(".")
    return (".".join(parts[:end]) for end in range(1, len(parts) + 1))
