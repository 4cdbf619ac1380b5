"""Whether what a configuration names is there: a command asks for the nodes that it needs, and for no other."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType

from pipeline import locations
from pipeline.config import LoadedConfig
from pipeline.nodes import Node
from preprocessing.errors import InputError

# Content from outside -> the key that names its path.
PATH_KEYS: Mapping[str, str] = MappingProxyType(
    {
        "corpus": "corpus.path",
        "schema": "validation.schema",
        "base_model": "model.base",
        "vocabulary": "tokens.vocabulary",
    }
)


def check_paths(loaded: LoadedConfig, nodes: Iterable[Node]) -> None:
    """Raises InputError with every path that the nodes read and that does not exist."""
    names = {name for node in nodes for name in node.externals}
    missing = [
        f"{loaded.places.where(key)}: {value!r}: there is nothing at {loaded.path(value)}; "
        "name a path that exists."
        for name, key in PATH_KEYS.items()
        if name in names and (value := _named(loaded, key)) and not loaded.path(value).exists()
    ]
    if missing:
        raise InputError(*missing)


def _named(loaded: LoadedConfig, key: str) -> str | None:
    """The path under a key; None where there is none: nothing was named, or what ships."""
    value: str | None = loaded.values([key])[key]
    if key == "tokens.vocabulary" and not Path(locations.vocabulary(loaded)).is_absolute():
        return None
    return value
