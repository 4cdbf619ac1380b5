"""What lies in a workspace that may be removed: every item of the folders that runs and jobs fill.

Nothing else is ever an item: not the metadata, not the pushed versions, and not what has a name that is not of ours.
"""

import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.garbage.files import is_set_aside, measure
from pipeline.garbage.picture import Item, ItemKind, Need, NeedKind
from pipeline.manifests import REDACTED
from preprocessing.base.errors import FailureError
from preprocessing.base.job_cache import PORTIONS_FILE, read_sealed
from preprocessing.base.staging import CACHE_TAG

# A hidden file that has not changed for so long is what a process was writing that died.
_DEAD_SECONDS = 24 * 3600.0
_DIGEST = re.compile(r"[0-9a-f]{64}")
_ARTIFACT = re.compile(r"artifacts/[^/\"]+/[^/\"]+/\d+(?=/)")

Serves = Callable[[Path], frozenset[Need] | None]


def survey(workspace: Path, dead_seconds: float = _DEAD_SECONDS) -> list[Item]:
    """The items of a workspace, in order of their paths. What vanishes meanwhile is left out.

    dead_seconds: what has a name for something unfinished, and has not changed for so long, was left by a dead process.
    Raises FailureError for a folder that cannot be read.
    """
    found = []
    for place in _PLACES:
        for path in sorted(workspace.glob(place.pattern)):
            try:
                item = _item(workspace, place, path, dead_seconds)
            except FileNotFoundError:
                continue
            except OSError as error:
                raise FailureError(
                    f"{error.filename}: cannot be looked at: {error.strerror}. Make it readable, or "
                    "do this as its owner."
                ) from error
            if item is not None:
                found.append(item)
    return sorted(found, key=lambda item: item.path)


@dataclass(frozen=True)
class _Place:
    """Where items of a kind lie.

    pattern: of their paths, and of those that they have when they are set aside. serves: what an item is of use to;
    None for a name that is not of ours.
    """

    pattern: str
    kind: ItemKind
    serves: Serves


def _item(workspace: Path, place: _Place, path: Path, dead_seconds: float) -> Item | None:
    kind, serves = place.kind, None if path.name == CACHE_TAG else place.serves(path)
    if path.name.startswith("."):
        kind, serves = "leftover", frozenset()
    if serves is None:
        return None
    changed, files = measure(path)
    dead = is_set_aside(path.name) or changed <= time.time() - dead_seconds
    if kind == "leftover" and not dead:
        return None
    return Item(path.relative_to(workspace).as_posix(), kind, serves, changed, files)


def _by_digest(kind: NeedKind, *suffixes: str) -> Serves:
    """Items named by the digest of what they serve."""

    def serves(path: Path) -> frozenset[Need] | None:
        name, dot, suffix = path.name.partition(".")
        ours = f"{dot}{suffix}" in suffixes and _DIGEST.fullmatch(name)
        return frozenset({Need(kind, name)}) if ours else None

    return serves


def _run(path: Path) -> frozenset[Need] | None:
    return frozenset({Need("run", path.name)}) if path.is_dir() else None


def _artifact(path: Path) -> frozenset[Need] | None:
    # What a purge has left of an artifact goes when that would.
    path = path.with_name(path.name.removesuffix(REDACTED))
    if not path.name.isdecimal():
        return None
    return frozenset({Need("place", "/".join(path.parts[-4:]))})


def _of_tfx(path: Path) -> frozenset[Need] | None:
    """What TFX writes beside the artifacts: of an execution by its id, or of nothing that is used again."""
    name = path.name
    return frozenset({Need("execution", name)}) if name.isdecimal() else frozenset()


def _shard(path: Path) -> frozenset[Need] | None:
    """The rows of a shard are those of a file of an artifact."""
    if not _DIGEST.fullmatch(path.name):
        return None
    try:
        entry = json.loads(read_sealed(str(path / "entry")))
    except OSError:
        return frozenset()
    return frozenset({Need("file", entry["rows"])})


def _job_memory(path: Path) -> frozenset[Need]:
    """The last corpus job remembers in which artifact its shards are."""
    try:
        text = (path / PORTIONS_FILE).read_text(encoding="utf-8")
    except OSError:
        return frozenset()
    return frozenset(Need("place", place) for place in _ARTIFACT.findall(text))


def _scores(path: Path) -> frozenset[Need] | None:
    """Scores are of a model on the rows or records of an artifact."""
    if path.suffix not in (".json", ".parts"):
        return None
    # Of a result that was not whole when its run was killed there are parts.
    entry = path if path.suffix == ".json" else next(path.glob("*.json"), path)
    inputs = _json(entry).get("inputs")
    contents = inputs if isinstance(inputs, dict) else {}
    return frozenset(
        Need("content", str(contents[name]))
        for name in ("model", "rows", "records")
        if name in contents
    )


def _json(path: Path) -> dict[str, Any]:
    """A JSON object; an empty one where there is none that can be read."""
    try:
        value = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


_PLACES = (
    _Place("artifacts/*/*/*", "artifact", _artifact),
    _Place("artifacts/*/.system/*/*", "system", _of_tfx),
    _Place("checkpoints/*", "checkpoints", _by_digest("key", "")),
    _Place("shards/*", "shard", _shard),
    _Place("corpus", "job memory", _job_memory),
    _Place(".collected-*", "leftover", lambda path: frozenset()),
    _Place("code/*", "code", _by_digest("code", "", ".json")),
    _Place("outside/*", "outside", _by_digest("outside", ".json")),
    _Place("manifests/*", "manifest", _by_digest("manifest", ".json")),
    _Place("scores/*/*", "scores", _scores),
    _Place("logs/*", "logs", _run),
)
