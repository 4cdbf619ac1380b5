"""Which nodes a run looks at: --from, --to and --force against the node table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pipeline.nodes import Node
from preprocessing.base.errors import InputError


@dataclass(frozen=True)
class Scope:
    """The part of the node table that a run looks at.

    nodes: those that may run, and every node above them, in the order of the table.
    may_run: names of those that may run; the others can only be reused.
    forced: names of those that run although they need not.
    """

    nodes: Sequence[Node]
    may_run: frozenset[str]
    forced: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Selection:
    """first, last: NODE of --from and --to. forced: nodes that run although they need not."""

    first: str | None = None
    last: str | None = None
    forced: tuple[str, ...] = ()

    def scope(self, nodes: Sequence[Node]) -> Scope:
        """What may run is what `first` reaches and `last` needs. Raises InputError where that is nothing."""
        known = {node.name: node for node in nodes}
        for name in (self.first, self.last, *self.forced):
            if name is not None and name not in known:
                raise InputError(f"{name}: no node of this pipeline; there are {', '.join(known)}.")
        may_run = set(known)
        if self.first is not None:
            may_run &= _downstream(nodes, self.first)
        if self.last is not None:
            may_run &= _upstream(known, [self.last])
        if not may_run:
            raise InputError(f"--from {self.first} --to {self.last}: no node lies between them.")
        for name in self.forced:
            if name not in may_run:
                raise InputError(f"--force {name}: --from and --to leave it out; drop one of them.")
        needed = _upstream(known, may_run)
        return Scope(
            [node for node in nodes if node.name in needed],
            frozenset(may_run),
            frozenset(self.forced),
        )


def _downstream(nodes: Sequence[Node], first: str) -> set[str]:
    reached = {first}
    for node in nodes:
        if reached & set(node.upstream):
            reached.add(node.name)
    return reached


def _upstream(nodes: Mapping[str, Node], names: Sequence[str] | set[str]) -> set[str]:
    reached: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            waiting += nodes[name].upstream
    return reached
