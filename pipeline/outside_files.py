"""The files that content from outside consisted of, kept by its digest."""

import json
from collections.abc import Mapping
from pathlib import Path

from preprocessing.base.digests import combine
from preprocessing.base.staging import write_whole


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
