"""What keeps a file of a workspace: the answer of `gc --why`."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.garbage.keeping import Decision, Keeper
from pipeline.garbage.picture import Item, Need
from preprocessing.base.errors import InputError

_SERVING = "serving"


@dataclass(frozen=True)
class Explanation:
    """What keeps a path. item: what it belongs to; None: gc never removes it. keepers: nothing keeps it without any."""

    path: str
    item: Item | None
    keepers: Sequence[Keeper]


def explain(decision: Decision, workspace: Path, given: Path) -> Explanation:
    """What keeps a path, as it is given or relative to the workspace. Raises InputError for one that is not there."""
    path = _within(workspace, given)
    for item in (*decision.kept, *decision.removed):
        if path == item.path or path.startswith(f"{item.path}/"):
            return Explanation(path, item, decision.kept.get(item, ()))
    return Explanation(path, None, [_never_removed(decision, path)])


def _within(workspace: Path, given: Path) -> str:
    for path in (given.absolute(), workspace / given):
        # The link that a path may end in is itself what is asked for.
        plain = Path(os.path.abspath(path))
        found = plain.parent.resolve() / plain.name
        if found.exists() or found.is_symlink():
            inside = workspace.resolve()
            if found.is_relative_to(inside) and found != inside:
                return found.relative_to(inside).as_posix()
    raise InputError(
        f"--why {given}: no file or folder in the workspace {workspace}. Name one by its path."
    )


def _never_removed(decision: Decision, path: str) -> Keeper:
    folder, _, rest = path.partition("/")
    version = Need("version", rest.partition("/")[0])
    if folder == _SERVING and version in decision.roots:
        return Keeper(version, decision.roots[version])
    return Keeper(None, "gc never removes it: it is none of what runs and jobs make anew")
