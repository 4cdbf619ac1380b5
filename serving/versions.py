"""The folder of pushed versions: `serving/<version>/` is a SavedModel with its provenance, `latest` names one."""

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from preprocessing.base.errors import InputError

LATEST = "latest"
PROVENANCE = "provenance.json"
SIGNATURE = "model.sig"
CLAIMS = "claims.jsonl"
# What may join a version after it was published. It is no part of what was pushed: the same version, signed or not.
ADDED_LATER = frozenset({SIGNATURE, CLAIMS})
_STAGED = ".staged-"


class Versions:
    """Pushed versions under one folder. Versions are whole numbers; a larger one was pushed later.

    A version is staged, recorded in the metadata store and then published, so that none is there which the store does
    not know.
    """

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

    def check(self, version: str) -> None:
        """Raises InputError where a version is not published."""
        if version not in self.names():
            raise InputError(
                f"version {version}: not pushed; there are {', '.join(self.names()) or 'none'}."
            )

    def set_latest(self, version: str) -> None:
        """Move the pointer to a version in one step. Raises InputError where it is not published."""
        self.check(version)
        # Whoever moves the pointer holds it, so that no other process uses this name.
        staged = self.folder / f".{LATEST}"
        staged.unlink(missing_ok=True)
        staged.symlink_to(version)
        staged.replace(self.folder / LATEST)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the pointer for the moment of a move; others wait. The kernel lets go of it when its holder dies."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / ".lock").open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def stage(self, version: str, fill: Callable[[Path], None]) -> None:
        """Make a version that nobody sees yet: `fill` writes it into a folder beside the published ones."""
        staged = self.staged_path(version)
        staged.mkdir(parents=True)
        try:
            fill(staged)
        except BaseException:
            shutil.rmtree(staged, ignore_errors=True)
            raise

    def staged(self) -> list[str]:
        """The versions that are staged, whole or not."""
        return [path.name.removeprefix(_STAGED) for path in self.folder.glob(f"{_STAGED}*")]

    def staged_path(self, version: str) -> Path:
        return self.folder / f"{_STAGED}{version}"

    def publish(self, version: str) -> None:
        """Give a staged version its name in one step; a published one is never replaced."""
        self.staged_path(version).rename(self.path(version))

    def discard(self, version: str) -> None:
        """Remove a staged version."""
        shutil.rmtree(self.staged_path(version))

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
                    "`gpt2-tfx rollback VERSION` makes it name one."
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
