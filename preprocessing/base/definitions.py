"""What one source file defines, and which names each of its definitions mentions; nothing is executed."""

import ast
import hashlib
import re
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from preprocessing.base.errors import InputError

# Decorators of these names do nothing when a module is imported but to change what they decorate.
_HARMLESS = {"cache", "contextmanager", "dataclass", "lru_cache", "overload", "runtime_checkable"}
# By these a definition is reached although no code mentions its name.
_DYNAMIC = {
    "__dict__",
    "__doc__",
    "__import__",
    "__subclasses__",
    "eval",
    "exec",
    "getdoc",
    "globals",
    "import_module",
    "vars",
}
# Classes that keep no list of what is derived from them.
_PLAIN_BASES = {"ABC", "Exception", "NamedTuple", "Protocol", "RuntimeError", "ValueError"}
_BY_NAME = {"delattr", "getattr", "setattr"}
_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


@dataclass(frozen=True)
class Definition:
    """Syntax without comments, docstrings and places.

    digest: sha256 of the syntax. mentions: every name in it, those in texts among them.
    """

    digest: str
    mentions: frozenset[str]


@dataclass(frozen=True)
class SourceFile:
    """A source file in parts.

    body: what importing it does beside defining: its other statements, and what those may count on.
    definitions: name -> function or class that does nothing until its name is used.
    aliases: (the name that an import gives, the name it stands for); one name may stand for several.
    is_dynamic: whether it may reach a definition otherwise than by a name that it mentions.
    """

    body: Definition
    definitions: Mapping[str, Definition]
    aliases: frozenset[tuple[str, str]]
    imports: tuple[str, ...]
    is_dynamic: bool


@lru_cache(maxsize=1024)
def parse(path: str, source: bytes) -> SourceFile:
    """A source file by its posix name and content. Raises InputError for one that is not Python."""
    try:
        tree = ast.parse(source, path)
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None) or 1
        raise InputError(f"{path}:{line}: not Python: {error}. Mend it.") from error
    nodes = list(ast.walk(tree))
    imported = list(_imported(nodes, path))
    bound = {name for _, name, _ in imported}
    for node in nodes:
        _drop_docstring(node)
    # An import is followed by itself; the names that it binds count where they are used.
    waiting: dict[str, list[ast.stmt]] = {}
    body: list[ast.stmt] = []
    for statement in tree.body:
        if isinstance(statement, _DOCUMENTED[1:]) and _is_inert(statement, waiting):
            waiting.setdefault(statement.name, []).append(statement)
        else:
            body.append(statement)
    return SourceFile(
        body=_definition(body),
        definitions={name: _definition(same) for name, same in waiting.items()},
        aliases=frozenset((name, original) for _, name, original in imported),
        imports=tuple(module for module, _, _ in imported),
        is_dynamic=any(_is_dynamic(node, bound) for node in nodes),
    )


def _definition(statements: list[ast.stmt]) -> Definition:
    digest = hashlib.sha256()
    mentions: set[str] = set()
    for statement in statements:
        digest.update(ast.dump(statement).encode())
        mentions.update(_mentions(statement))
    return Definition(digest.hexdigest(), frozenset(mentions))


def _mentions(statement: ast.stmt) -> Iterator[str]:
    for node in ast.walk(statement):
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield from _names_in(node.value)


def _names_in(text: str) -> list[str]:
    """The names of a text that is one, or a path of them; what has a space is a message."""
    return re.findall(r"\w+", text) if re.fullmatch(r"[\w.:]+", text) else []


def _is_inert(
    statement: ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef, before: Container[str]
) -> bool:
    """Whether a definition does nothing until its name is used: registers itself nowhere, and hooks into nothing.

    before: the names of those before it in its file that do nothing.
    """
    if statement.name.startswith("__"):
        return False
    if any(_last_name(decorator) not in _HARMLESS for decorator in statement.decorator_list):
        return False
    if not isinstance(statement, ast.ClassDef):
        return True
    # A base class of another file, or a metaclass, may keep a list of what is derived from it.
    return not statement.keywords and all(
        isinstance(base, ast.Name) and (base.id in _PLAIN_BASES or base.id in before)
        for base in statement.bases
    )


def _last_name(node: ast.expr) -> str:
    if isinstance(node, ast.Call):
        return _last_name(node.func)
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _is_dynamic(node: ast.AST, bound: set[str]) -> bool:
    """Whether a node may reach a definition by a name that stands nowhere. bound: names that imports give."""
    if isinstance(node, ast.Name):
        return node.id in _DYNAMIC
    if isinstance(node, ast.Attribute):
        return node.attr in _DYNAMIC
    if isinstance(node, ast.ImportFrom):
        return any(alias.name == "*" for alias in node.names)
    if not (
        isinstance(node, ast.Call) and _last_name(node.func) in _BY_NAME and len(node.args) > 1
    ):
        return False
    of, name = node.args[:2]
    imported = any(isinstance(part, ast.Name) and part.id in bound for part in ast.walk(of))
    return imported and not isinstance(name, ast.Constant)


def _imported(nodes: list[ast.AST], path: str) -> Iterator[tuple[str, str, str]]:
    """(what may be a module, the name that its import gives, the name that this stands for)."""
    package = path.split("/")[:-1]
    for node in nodes:
        if isinstance(node, ast.Import):
            for alias in node.names:
                top, last = alias.name.split(".")[0], alias.name.split(".")[-1]
                yield alias.name, alias.asname or top, last if alias.asname else top
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = [*base, node.module] if node.module else base
            for alias in node.names:
                yield ".".join([*module, alias.name]), alias.asname or alias.name, alias.name


def _drop_docstring(node: ast.AST) -> None:
    if isinstance(node, _DOCUMENTED) and node.body:
        first = node.body[0]
        if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
            node.body = node.body[isinstance(first.value.value, str) :]
