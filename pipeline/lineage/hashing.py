"""The digests of many files, read on all processors; no memory is trusted."""

import os
from collections.abc import Set
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from preprocessing.base.digests import sha256_file


def hashed_files(paths: Set[Path]) -> dict[Path, str]:
    """The SHA-256 of files; empty for one that cannot be read."""

    def digest(path: Path) -> str:
        try:
            return sha256_file(path)
        except OSError:
            return ""

    ordered = sorted(paths)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return dict(zip(ordered, pool.map(digest, ordered), strict=True))
