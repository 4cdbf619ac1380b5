"""The files that content from outside consisted of, kept by its digest, and how two such contents differ."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from preprocessing.base.digests import combine
from preprocessing.base.staging import write_whole

# So many names of a kind are said.
_NAMED = 3


class OutsideFiles:
    """Trees (relative name -> sha256 of a file) in a folder, each under the digest that keys have of it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, tree: Mapping[str, str]) -> None:
        """Keep a tree that is not kept yet."""
        path = self._path(combine(tree))
        if not path.is_file():
            write_whole(path, json.dumps(tree).encode())

    def read(self, digest: str) -> dict[str, str] | None:
        """A kept tree; None where there is none, or what is there is not of this digest."""
        try:
            tree = json.loads(self._path(digest).read_bytes())
            return tree if combine(tree) == digest else None
        except (OSError, ValueError, AttributeError, TypeError):
            return None

    def _path(self, digest: str) -> Path:
        return self._folder / f"{digest}.json"


def described_change(before: Mapping[str, str], now: Mapping[str, str]) -> str:
    """The files that were added, changed, renamed or removed: how many of each, and the first names."""
    added = sorted(now.keys() - before.keys())
    gone = sorted(before.keys() - now.keys())
    renamed = dict(_renames(before, now, gone, added))
    new_names = set(renamed.values())
    kinds = {
        "added": [name for name in added if name not in new_names],
        "changed": sorted(name for name in before.keys() & now.keys() if before[name] != now[name]),
        "renamed": [f"{old} -> {new}" for old, new in renamed.items()],
        "removed": [name for name in gone if name not in renamed],
    }
    return "; ".join(_counted(kind, names) for kind, names in kinds.items() if names)


def _renames(
    before: Mapping[str, str], now: Mapping[str, str], gone: Sequence[str], added: Sequence[str]
) -> Iterator[tuple[str, str]]:
    """(old name, new name) of files that are there under another name; each is taken once."""
    waiting: dict[str, list[str]] = {}
    for name in reversed(added):
        waiting.setdefault(now[name], []).append(name)
    for name in gone:
        if same := waiting.get(before[name]):
            yield name, same.pop()


def _counted(kind: str, names: Sequence[str]) -> str:
    more = len(names) - _NAMED
    shown = ", ".join(names[:_NAMED])
    return (
        f"{len(names)} {kind} ({shown}, and {more} more)"
        if more > 0
        else f"{len(names)} {kind} ({shown})"
    )
