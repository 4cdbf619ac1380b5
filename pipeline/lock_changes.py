"""Which packages differ between two locks of requirements."""

import re
from collections.abc import Iterable
from pathlib import Path

from preprocessing.base.digests import sha256_bytes

# So many packages are said.
_NAMED = 5


def find_lock(snapshots: Path, name: str, digest: str) -> bytes | None:
    """The lock of a name and digest in one of the snapshots of the code that runs left; None where none has it."""
    for lock in snapshots.glob(f"*/{name}"):
        content = lock.read_bytes()
        if sha256_bytes(content) == digest:
            return content
    return None


def described_packages(before: bytes, now: bytes) -> str:
    """The packages that were added, removed or have another version: the first of them, and how many more."""
    old, new = dict(_packages(before)), dict(_packages(now))
    changes = [
        f"{name} {old.get(name, 'none')} -> {new.get(name, 'none')}"
        for name in sorted({*old, *new})
        if old.get(name) != new.get(name)
    ]
    more = len(changes) - _NAMED
    return ", ".join([*changes[:_NAMED], *([f"and {more} more"] if more > 0 else [])])


def _packages(lock: bytes) -> Iterable[tuple[str, str]]:
    return re.findall(r"^([A-Za-z0-9._-]+)==(\S+)", lock.decode(errors="replace"), re.MULTILINE)
