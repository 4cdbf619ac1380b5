"""Where the keys of a configuration stand, so that a fault can be pointed at."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class KeyPlaces:
    """The configuration file's name, and the line (from 1; 0: given by --set) of each dotted key path."""

    file: str = "pipeline.yaml"
    lines: Mapping[str, int] = field(default_factory=dict)

    def where(self, key: str) -> str:
        """`file:line: key`, or `--set: key`, or `file: key` where neither gives the key."""
        line = self.lines.get(key)
        if line is None:
            return f"{self.file}: {key}"
        return f"{self.file}:{line}: {key}" if line else f"--set: {key}"
