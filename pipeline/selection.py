"""Which nodes a run looks at: --from, --to, --only and --force against the node table."""

from collections.abc import Iterable, Mapping, Sequence
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
    """The nodes of --from, --to and --only, of each any number.

    first: these and what they reach. last: these and what they need. only: these alone. forced: nodes that run although
    they need not.
    """

    first: tuple[str, ...] = ()
    last: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    forced: tuple[str, ...] = ()

    def scope(self, nodes: Sequence[Node]) -> Scope:
        """What may run is what each of the three that is given allows. Raises InputError where that is nothing."""
        known = {node.name: node for node in nodes}
        for name in (*self.first, *self.last, *self.only, *self.forced):
            if name not in known:
                raise InputError(f"{name}: no node of this pipeline; there are {', '.join(known)}.")
        may_run = set(known)
        if self.first:
            may_run &= _downstream(nodes, self.first)
        if self.last:
            may_run &= _upstream(known, self.last)
        if self.only:
            may_run &= set(self.only)
        if not may_run:
            given = [
                *(f"--from {name}" for name in self.first),
                *(f"--to {name}" for name in self.last),
            ]
            raise InputError(f"{' '.join(given)}: no node lies between them.")
        for name in self.forced:
            if name not in may_run:
                raise InputError(
                    f"--force {name}: --from, --to and --only leave it out; drop one of them."
                )
        needed = _upstream(known, may_run)
        return Scope(
            [node for node in nodes if node.name in needed],
            frozenset(may_run),
            frozenset(self.forced),
        )


def _downstream(nodes: Sequence[Node], names: Iterable[str]) -> set[str]:
    reached = set(names)
    for node in nodes:
        if reached & set(node.upstream):
            reached.add(node.name)
    return reached


def _upstream(nodes: Mapping[str, Node], names: Iterable[str]) -> set[str]:
    reached: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            waiting += nodes[name].upstream
    return reached
