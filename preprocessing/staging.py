"""Files that are whole or not there: written beside their place under a name of their own, then renamed."""

import uuid
from pathlib import Path


def staged_beside(path: Path) -> Path:
    """A hidden name beside `path` that no other process takes, in this or another container."""
    return path.with_name(f".{path.name}-{uuid.uuid4().hex}")


def write_whole(path: Path, content: bytes) -> None:
    """Write a file in one step, also over one that is there; its folder is made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    staged = staged_beside(path)
    staged.write_bytes(content)
    staged.replace(path)
