"""Which links in a folder are followed: those that its owner has made on purpose, and no others.

A link that leads elsewhere could bring files into a corpus that nobody meant to be read.
"""

import os
from pathlib import Path

# Folders of CNN/DailyMail's release, which may lie on another disk: links by these names are followed.
LINKED_FOLDERS = frozenset({"cnn", "cnn/stories", "dailymail", "dailymail/stories"})


class Links:
    """The links that are followed in a folder."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._places = [root.resolve(), *_cache_of(root.resolve())]

    def follow_folder(self, folder: Path) -> bool:
        """Whether a folder, a link or in one, may be entered; what it holds may be linked from then on."""
        if self.is_within(folder):
            return True
        if folder.relative_to(self._root).as_posix() not in LINKED_FOLDERS:
            return False
        self._places.append(folder.resolve())
        return True

    def is_within(self, path: Path) -> bool:
        """Whether a link leads to somewhere in the folder, or in the cache or a linked folder that belong to it."""
        # Not Path.resolve, which fails for links that lead to one another.
        target = Path(os.path.realpath(path))
        return any(target.is_relative_to(place) for place in self._places)


def _cache_of(root: Path) -> list[Path]:
    """The cache of Hugging Face that a folder is in: files in `snapshots/<revision>` are links to `blobs`."""
    for folder in (root, *root.parents):
        if folder.name == "snapshots" and (folder.parent / "blobs").is_dir():
            return [folder.parent]
    return []
