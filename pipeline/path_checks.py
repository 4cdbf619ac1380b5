"""Whether what a configuration names is there: a command asks for the nodes that it needs, and for no other."""

from collections.abc import Iterable
from pathlib import Path

from pipeline.config import LoadedConfig
from pipeline.externals import External
from pipeline.nodes import Node
from preprocessing.errors import InputError


def check_paths(loaded: LoadedConfig, nodes: Iterable[Node]) -> None:
    """Raises InputError with every path that the nodes read and that does not exist."""
    check_externals(loaded, [external for node in nodes for external in node.externals.values()])


def check_externals(loaded: LoadedConfig, externals: Iterable[External]) -> None:
    """Raises InputError with every path of content from outside that does not exist."""
    faults = [_fault(loaded, external) for external in dict.fromkeys(externals)]
    missing = [fault for fault in faults if fault is not None]
    if missing:
        raise InputError(*missing)


def _fault(loaded: LoadedConfig, external: External) -> str | None:
    place, key = external.locate(loaded), external.keys[0]
    # What ships has a name for a place.
    if place is None or not Path(place).is_absolute() or Path(place).exists():
        return None
    value = loaded.values([key])[key]
    return (
        f"{loaded.places.where(key)}: {value!r}: there is nothing at {place}; "
        "name a path that exists."
    )
