"""What a step's component is built from: exactly what the node table declares of the step."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from tfx.types.channel import BaseChannel

Value = TypeVar("Value")


class UndeclaredError(LookupError):
    """A builder reads what its node does not declare, so that the node's key would not hold it."""


class DeclaredValues(dict[str, Value], Generic[Value]):
    """The declared values of one kind by name. Reading another name raises UndeclaredError."""

    def __init__(self, node: str, kind: str, values: Mapping[str, Value]) -> None:
        super().__init__(values)
        self._node = node
        self._kind = kind

    def __missing__(self, name: str) -> Value:
        raise UndeclaredError(
            f"{self._node} reads {name}, which is not among its {self._kind} in the node table: "
            f"{', '.join(self) or 'none'}"
        )


@dataclass(frozen=True)
class Declared:
    """What `build` of a component's module gets.

    inputs: input key -> channel. parameters: dotted configuration key -> value.
    externals: name -> where the content lies (a path, or the name of one that ships).
    """

    inputs: Mapping[str, BaseChannel]
    parameters: Mapping[str, Any]
    externals: Mapping[str, str]

    def section(self, name: str) -> dict[str, Any]:
        """The declared parameters of a section of the configuration, by their names in it."""
        prefix = f"{name}."
        return {
            key.removeprefix(prefix): self.parameters[key]
            for key in self.parameters
            if key.startswith(prefix)
        }
