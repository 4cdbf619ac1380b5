"""What scoring a model came to, kept by all that it depends on: a file for each, in a folder of the workspace.

What takes long is kept in parts as it is computed: a run that was killed goes on from there.

It decides how much there is to do, never what comes out: without it, everything is scored anew.
"""

import json
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components.options import SCORES_VARIABLE
from preprocessing.base.digests import sha256_json
from preprocessing.base.import_walk import closure_digest
from preprocessing.base.staging import make_cache_folder, write_whole

_ROOT = Path(__file__).resolve().parent.parent
_PACKAGES = ("preprocessing", "trainer", "serving", "components")


class ScoreCache:
    """Results as JSON values.

    folder: None keeps nothing. module: the module that computes them, whose code they depend on.
    """

    def __init__(self, folder: Path | None, module: str) -> None:
        self._folder = folder
        self._code = "" if folder is None else closure_digest(_ROOT, _PACKAGES, module)

    def get(self, inputs: Mapping[str, Any], compute: Callable[[], Any]) -> Any:
        """The result for these inputs (JSON values): what was kept, or what `compute` gives, which is kept."""
        if self._folder is None:
            return compute()
        key = {**inputs, "code": self._code}
        path = self._folder / f"{sha256_json(key)}.json"
        kept = _read(path, key)
        if kept is not None:
            return kept["result"]
        result = compute()
        make_cache_folder(self._folder)
        _keep(path, key, result)
        shutil.rmtree(_parts(path), ignore_errors=True)
        return result

    def parts_of(self, inputs: Mapping[str, Any]) -> "PartsOf":
        """The parts of the result for these inputs, of a result that is computed in parts."""
        if self._folder is None:
            return PartsOf(None, {})
        key = {**inputs, "code": self._code}
        return PartsOf(_parts(self._folder / f"{sha256_json(key)}.json"), key)


@dataclass(frozen=True)
class PartsOf:
    """The parts of a result, each kept as it is computed, by whatever process, until the whole is: a kill loses one.

    folder: None keeps nothing. key: what the result depends on.
    """

    folder: Path | None
    key: Mapping[str, Any]

    def __call__(self, number: int, compute: Callable[[], Any]) -> Any:
        """The part of a number: what was kept, or what `compute` gives, which is kept."""
        if self.folder is None:
            return compute()
        path, key = self.folder / f"{number}.json", {**self.key, "part": number}
        kept = _read(path, key)
        if kept is not None:
            return kept["result"]
        result = compute()
        make_cache_folder(self.folder.parent)
        _keep(path, key, result)
        return result

    def count(self) -> int:
        """How many are kept."""
        return 0 if self.folder is None else len(list(self.folder.glob("*.json")))


def _parts(path: Path) -> Path:
    """The folder of the parts of a result that is not whole yet."""
    return path.with_suffix(".parts")


def _keep(path: Path, key: Mapping[str, Any], result: Any) -> None:
    entry = {"inputs": key, "result": result}
    entry |= {"digest": sha256_json(entry)}
    write_whole(path, json.dumps(entry, ensure_ascii=False, indent=1).encode())


def score_folder() -> Path | None:
    """The folder that the environment names; None if it names none."""
    folder = os.environ.get(SCORES_VARIABLE)
    return None if folder is None else Path(folder)


def _read(path: Path, key: Mapping[str, Any]) -> dict[str, Any] | None:
    """A kept entry; None where there is none, or it is not what was written."""
    try:
        entry: dict[str, Any] = json.loads(path.read_bytes())
        digest = entry.pop("digest")
    except (OSError, ValueError, AttributeError, KeyError, TypeError):
        return None
    return entry if digest == sha256_json(entry) and entry["inputs"] == key else None
