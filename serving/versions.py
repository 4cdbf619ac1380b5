"""The folder of pushed versions: `serving/<version>/` is a SavedModel with its provenance, `latest` points at one."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from preprocessing.errors import InputError

LATEST = "latest"
PROVENANCE = "provenance.json"


class Versions:
    """Pushed versions under one folder. Versions are whole numbers; a larger one was pushed later."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def names(self) -> list[str]:
        """Every pushed version, oldest first."""
        if not self.folder.is_dir():
            return []
        folders = [path.name for path in self.folder.iterdir() if path.is_dir()]
        found = [name for name in folders if name.isdecimal()]
        return sorted(found, key=int)

    def latest(self) -> str | None:
        """The version that the pointer names; None if nothing was pushed or the version is gone."""
        pointer = self.folder / LATEST
        if not pointer.is_symlink():
            return None
        version = os.readlink(pointer)
        return version if version in self.names() else None

    def path(self, version: str) -> Path:
        return self.folder / version

    def point(self, version: str) -> None:
        """Move the pointer to a version in one step. Raises InputError where it was never pushed."""
        if version not in self.names():
            raise InputError(
                f"version {version}: not pushed; there are {', '.join(self.names()) or 'none'}."
            )
        staged = self.folder / f".{LATEST}-{os.getpid()}"
        staged.unlink(missing_ok=True)
        staged.symlink_to(version)
        staged.replace(self.folder / LATEST)

    def push(self, version: str, fill: Callable[[Path], None]) -> Path:
        """Make a version: `fill` writes it into a staged folder, which is then renamed, so none is ever half there."""
        self.folder.mkdir(parents=True, exist_ok=True)
        # What a killed push left behind; there is one run at a time.
        for leftover in self.folder.glob(".staged-*"):
            shutil.rmtree(leftover)
        staged = self.folder / f".staged-{version}"
        staged.mkdir()
        try:
            fill(staged)
            staged.rename(self.path(version))
        finally:
            shutil.rmtree(staged, ignore_errors=True)
        return self.path(version)

    def resolve(self, model: str) -> Path:
        """The path that a MODEL argument names: `latest`, a pushed version, or a folder or file.

        Raises InputError when there is no such model.
        """
        if model == LATEST:
            version = self.latest()
            if version is not None:
                return self.path(version)
            if names := self.names():
                raise InputError(
                    f"latest: {self.folder / LATEST} names no pushed version; there are {', '.join(names)}. "
                    "`gpt2-tfx rollback VERSION` points it at one."
                )
            raise InputError(
                f"latest: no model has been pushed to {self.folder} yet. Do `gpt2-tfx run` first."
            )
        if model.isdecimal() and self.path(model).is_dir():
            return self.path(model)
        if Path(model).exists():
            return Path(model)
        raise InputError(
            f"{model}: neither `latest`, nor a pushed version ({', '.join(self.names()) or 'none yet'}), "
            "nor a folder or file."
        )
