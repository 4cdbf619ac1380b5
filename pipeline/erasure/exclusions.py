"""The names that a corpus leaves out, and adding some to its `corpus.exclude_file`."""

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pipeline.config import LoadedConfig
from pipeline.locations import corpus_path
from preprocessing.base.errors import FailureError, InputError
from preprocessing.base.staging import staged_beside
from preprocessing.options import CorpusOptions
from preprocessing.records.exclusion import check_names, exclude_file_place, with_exclude_file


@dataclass(frozen=True)
class Exclusions:
    """What a configuration leaves out. file: its exclude_file, be it there or not; None if it names none."""

    names: Sequence[str]
    file: Path | None

    @classmethod
    def of(cls, loaded: LoadedConfig) -> "Exclusions":
        """Those of a configuration; a file that is not there is empty. Raises InputError for one that a run refuses."""
        root, options = corpus_path(loaded), loaded.config.corpus
        file = _file(root, options)
        if file is not None and not file.exists():
            options = replace(options, exclude_file=None)
        return cls(with_exclude_file(root, options).exclude, file)

    def missing(self, names: Sequence[str]) -> list[str]:
        """Those of some names that are not left out yet, each once."""
        return [name for name in dict.fromkeys(names) if name not in set(self.names)]

    def add(self, names: Sequence[str]) -> None:
        """Write names into the file, whole or not at all. Raises InputError where there is none, or for a name."""
        check_names("erase", names)
        if self.file is None:
            raise InputError(
                "corpus.exclude_file: not set, so there is no file to write what is to be left out into. Add\n"
                "    exclude_file: excluded.txt\n"
                "  to the section `corpus` of the configuration and do this again; or, where the corpus is a single "
                f"file, list it there yourself: `exclude: [{', '.join(map(repr, names))}]`."
            )
        if unfit := [name for name in names if name.strip().splitlines() != [name]]:
            raise InputError(
                f"{unfit[0]!r}: cannot be a line of {self.file}; list it in corpus.exclude and do this again."
            )
        content = self.file.read_bytes() if self.file.exists() else b""
        if content and not content.endswith(b"\n"):
            content += b"\n"
        _replace(self.file, content + "".join(f"{name}\n" for name in names).encode())


def _file(root: Path, options: CorpusOptions) -> Path | None:
    if options.exclude_file is None:
        return None
    return Path(exclude_file_place(root, options.exclude_file)).resolve()


def _replace(file: Path, content: bytes) -> None:
    staged = staged_beside(file)
    try:
        try:
            with staged.open("wb") as opened:
                opened.write(content)
                opened.flush()
                os.fsync(opened.fileno())
            if file.exists():
                shutil.copymode(file, staged)
            staged.replace(file)
        finally:
            staged.unlink(missing_ok=True)
    except OSError as error:
        raise FailureError(
            f"{file}: cannot be written: {error.strerror}. Nothing was changed; make it writable and do this again."
        ) from error
