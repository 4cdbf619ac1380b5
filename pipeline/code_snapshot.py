"""The project's sources and locks as they were at one moment: what keys are made of, and what node processes import.

A run reads them once. Keys come from the bytes that were read, and the same bytes are written to
`workspace/code/<digest>/`, from which alone the run's node processes import: an edit meanwhile is of the next run.
Beside it, `<digest>.json` keeps what the modules of these sources reach.
"""

import json
import os
import platform
import shutil
import subprocess
import uuid
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path

from preprocessing.base.digests import combine, sha256_bytes
from preprocessing.base.import_walk import file_digests, reached_code
from preprocessing.base.staging import make_folder, write_whole

PROJECT_ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("preprocessing", "trainer", "serving", "components", "pipeline")
# Names the commit where there is no git: in the container image.
COMMIT_VARIABLE = "GPT2_TFX_COMMIT"
LOCKS = CPU_LOCK, GPU_LOCK = ("requirements/cpu.lock", "requirements/gpu.lock")


class CodeSnapshot:
    """The bytes of every source file of the packages, data files among them, and of the locks.

    files: posix name relative to the project's root -> content. root: where they were read.
    """

    def __init__(self, files: Mapping[str, bytes], root: Path) -> None:
        self.files = dict(sorted(files.items()))
        self.root = root
        self._reached: dict[str, dict[str, str]] = {}
        self._recalled = 0
        self._definitions: dict[str, dict[str, dict[str, str]]] = {}

    @cached_property
    def digests(self) -> Mapping[str, str]:
        """File name -> sha256."""
        return {name: sha256_bytes(content) for name, content in self.files.items()}

    @cached_property
    def digest(self) -> str:
        """One digest over all files."""
        return combine(self.digests)

    @cached_property
    def commit(self) -> str:
        """The commit of the checkout, with `+changes` where files differ from it; empty where none is known."""
        return _commit_of_checkout(self.root) or os.environ.get(COMMIT_VARIABLE, "")

    @property
    def python(self) -> str:
        """The version of the interpreter that runs the code."""
        return platform.python_version()

    def properties(self) -> dict[str, str]:
        """What the store is told about the code of a run and of an execution."""
        return {"code": self.digest, "git_commit": self.commit, "python": self.python}

    def reached(self, module: str, files: Iterable[str] = ()) -> dict[str, str]:
        """File name -> digest of what a module reaches of the file, see `reached_code`; and of the files as they are.

        What lies outside the project is covered by the digests of the locks instead. Raises InputError for a file that
        is not Python.
        """
        if module not in self._reached:
            self._reached[module] = file_digests(self.definitions(module))
        return self._reached[module] | {name: self.digests[name] for name in files}

    def definitions(self, module: str) -> dict[str, dict[str, str]]:
        """File name -> definition -> digest, of what a module reaches. Raises InputError as `reached`."""
        if module not in self._definitions:
            self._definitions[module] = reached_code(PACKAGES, [module], self.files.get)
        return self._definitions[module]

    def recall(self, folder: Path) -> None:
        """Take what modules reach from what `keep` left in a folder: parsing is half the time of a plan."""
        try:
            kept = json.loads((folder / f"{self.digest}.json").read_text(encoding="utf-8"))
            whole = all(
                name in self.files and isinstance(digest, str)
                for reached in kept.values()
                for name, digest in reached.items()
            )
        except (OSError, ValueError, TypeError, AttributeError):
            # Nothing was kept, or somebody has changed it.
            return
        if whole:
            self._reached, self._recalled = kept, len(kept)

    def keep(self, folder: Path) -> None:
        """Keep what was found to be reached, under the digest of the sources that it follows from."""
        if len(self._reached) > self._recalled:
            write_whole(folder / f"{self.digest}.json", json.dumps(self._reached).encode())

    def shipped(self, path: Path) -> dict[str, str]:
        """The name and digest of a file that ships with the code, such as a task's schema; empty for any other."""
        if not path.is_relative_to(PROJECT_ROOT):
            return {}
        name = path.relative_to(PROJECT_ROOT).as_posix()
        return {path.name: self.digests[name]} if name in self.files else {}

    def environment(self, gpu: bool) -> dict[str, str]:
        """What is installed: the interpreter's version, and the digests of the locks.

        gpu: whether a GPU is used, so that what its packages are counts.
        """
        locks = LOCKS if gpu else [CPU_LOCK]
        return {"python": self.python} | {name: self.digests[name] for name in locks}

    def write(self, folder: Path) -> Path:
        """The folder below `folder` that holds the snapshot and nothing else to import; made where it is not whole."""
        place = folder / self.digest
        if not self._is_whole(place):
            make_folder(folder)
            staged = folder / f".staged-{uuid.uuid4().hex}"
            try:
                self._fill(staged)
                shutil.rmtree(place, ignore_errors=True)
                staged.rename(place)
            except OSError:
                # Another container may have been first; the same digest is the same content.
                if not self._is_whole(place):
                    raise
            finally:
                shutil.rmtree(staged, ignore_errors=True)
        return place

    def _fill(self, folder: Path) -> None:
        for name, content in self.files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)

    def _is_whole(self, place: Path) -> bool:
        """Whether a folder holds the snapshot and nothing else to import, compiled or not."""
        if not place.is_dir() or next(place.rglob("__pycache__"), None):
            return False
        return _read_files(place, place.iterdir()) == self.files


def read_snapshot(root: Path = PROJECT_ROOT) -> CodeSnapshot:
    """The sources of the packages and the locks that are beneath `root` now. Raises OSError."""
    files = _read_files(root, (root / package for package in PACKAGES))
    files |= {name: (root / name).read_bytes() for name in LOCKS}
    return CodeSnapshot(files, root)


def _read_files(root: Path, folders: Iterable[Path]) -> dict[str, bytes]:
    found = {}
    waiting = list(folders)
    while waiting:
        path = waiting.pop()
        if path.name.startswith(".") or path.name == "__pycache__":
            continue
        if path.is_dir():
            waiting += path.iterdir()
        else:
            found[path.relative_to(root).as_posix()] = path.read_bytes()
    return found


def _commit_of_checkout(root: Path) -> str:
    """What git says of the checkout whose top is `root`; empty where there is none."""

    def git(*arguments: str) -> str:
        return subprocess.run(
            ["git", "-C", str(root), *arguments],
            capture_output=True,
            text=True,
            check=True,
            timeout=30,
        ).stdout

    try:
        commit, above = git("rev-parse", "HEAD", "--show-prefix").split("\n")[:2]
        if above:  # an installed project that lies in the checkout of another
            return ""
        changes = git("status", "--porcelain", "--untracked-files=no")
    except (OSError, subprocess.SubprocessError):
        return ""
    return f"{commit}+changes" if changes else commit
