"""Whether what a configuration names is there: a command asks for what it needs, and for nothing else."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from pipeline.config import LoadedConfig
from pipeline.externals import External
from pipeline.nodes import node_table
from pipeline.selection import Selection

# (dotted key, message) for what a command needs and a configuration does not give.
Faults = Iterator[tuple[str, str]]


def paths_of_selection(selection: Selection) -> Callable[[LoadedConfig], Faults]:
    """Asks for the paths that a selection of nodes reads, those of the nodes above them too."""

    def missing(loaded: LoadedConfig) -> Faults:
        nodes = selection.scope(node_table(loaded.config)).nodes
        return missing_paths(loaded, [e for node in nodes for e in node.externals.values()])

    return missing


def paths_of_node(name: str) -> Callable[[LoadedConfig], Faults]:
    """Asks for the paths that one node reads."""

    def missing(loaded: LoadedConfig) -> Faults:
        nodes = [node for node in node_table(loaded.config) if node.name == name]
        return missing_paths(loaded, [e for node in nodes for e in node.externals.values()])

    return missing


def missing_paths(loaded: LoadedConfig, externals: Iterable[External]) -> Faults:
    """Every path of content from outside that does not exist, under the key that names it."""
    for external in dict.fromkeys(externals):
        place, key = external.locate(loaded), external.keys[0]
        # What ships has a name for a place.
        if place is not None and Path(place).is_absolute() and (why := _absence(Path(place))):
            yield key, f"{loaded.values([key])[key]!r}: {why}; name a path that exists."


def _absence(path: Path) -> str:
    """Why nothing can be read at a path; empty where something can."""
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return f"there is nothing at {path}"
    except OSError as error:
        return f"{path} cannot be looked at ({error.strerror})"
    return ""
