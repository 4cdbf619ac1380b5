"""What changed, in words: files of a tree, definitions in a source file, packages of a lock."""

import re
from collections.abc import Iterator, Mapping, Sequence

from preprocessing.base.import_walk import BODY

# So many names of a kind are said.
_NAMED = 3
_PACKAGES_NAMED = 5


def first_of(names: Sequence[str], limit: int = _NAMED, separator: str = ", ") -> str:
    """The first names, and how many more there are."""
    more = len(names) - limit
    return separator.join([*names[:limit], *([f"and {more} more"] if more > 0 else [])])


def described_files(before: Mapping[str, str], now: Mapping[str, str]) -> str:
    """The files (name -> digest) that were added, changed, renamed or removed: how many, and the first names."""
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
    return "; ".join(
        f"{len(names)} {kind} ({first_of(names)})" for kind, names in kinds.items() if names
    )


def described_definitions(before: Mapping[str, str], now: Mapping[str, str]) -> str:
    """The functions and classes (name -> digest) of a source file that differ, the first of them."""
    changed = sorted(name for name in {*before, *now} if before.get(name) != now.get(name))
    return first_of([name if name != BODY else "the module's own statements" for name in changed])


def packages_of_lock(lock: bytes) -> dict[str, str]:
    """Package -> version."""
    text = lock.decode(errors="replace")
    return dict(re.findall(r"^([A-Za-z0-9._-]+)==(\S+)", text, re.MULTILINE))


def described_packages(before: bytes, now: bytes) -> str:
    """The packages of two locks that were added, removed or have another version: the first of them."""
    old, new = packages_of_lock(before), packages_of_lock(now)
    changes = [
        f"{name} {old.get(name, 'none')} -> {new.get(name, 'none')}"
        for name in sorted({*old, *new})
        if old.get(name) != new.get(name)
    ]
    return first_of(changes, _PACKAGES_NAMED)


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
