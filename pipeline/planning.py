"""`plan`: a pure function from what is known to an ordered list of steps; `run` walks the same decisions."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from pipeline.keys import Ingredients, Reason, could_be_same, differences, own_differences
from pipeline.nodes import Node
from pipeline.store import StoredExecution

Action = Literal["run", "reuse", "maybe"]
# Canonical digests of a node's outputs by output key; None where they are not known before it ran.
OutputDigests = Mapping[str, str]


class World(Protocol):
    """What planning asks of the store, the file system and the code."""

    def ingredients(self, node: Node, inputs: Mapping[str, str]) -> Ingredients:
        """What decides the node's result, given the canonical digests of its inputs."""

    def find(self, node: Node, key: str) -> StoredExecution | None:
        """The newest COMPLETE execution under the key."""

    def history(self, node: Node) -> Sequence[StoredExecution]:
        """COMPLETE executions of the node, newest first."""

    def damage(self, node: Node, execution: StoredExecution) -> Reason | None:
        """Why the outputs of an execution cannot be used; None if they are intact."""

    def last_state(self, node: Node) -> str | None:
        """The state of the node's newest execution."""


@dataclass(frozen=True)
class Step:
    """A decision about one node. `reusable` and `key` are there where they are known."""

    node: Node
    action: Action
    reasons: tuple[Reason, ...]
    key: str = ""
    ingredients: Ingredients | None = None
    reusable: StoredExecution | None = None


def decide(
    node: Node, inputs: Mapping[str, str], world: World, forced: Collection[str] = ()
) -> Step:
    """The decision about a node whose inputs are known by their canonical digests."""
    ingredients = world.ingredients(node, inputs)
    key = ingredients.key(node.name)
    found = world.find(node, key)
    if node.name in forced:
        reason = Reason("forced", "--force")
        return Step(node, "run", (reason,), key, ingredients, None)
    if found is not None:
        damage = world.damage(node, found)
        if damage is None:
            return Step(node, "reuse", (), key, ingredients, found)
        return Step(node, "run", (damage,), key, ingredients, None)
    return Step(node, "run", _reasons(node, ingredients, world), key, ingredients, None)


def reasons_text(reasons: Sequence[Reason], limit: int = 4) -> str:
    """The first reasons in a line, and how many more there are."""
    shown = "; ".join(f"{reason.kind}: {reason.detail}" for reason in reasons[:limit])
    return shown if len(reasons) <= limit else f"{shown}; and {len(reasons) - limit} more"


def plan(
    nodes: Sequence[Node],
    world: World,
    forced: Collection[str] = (),
    selected: Callable[[str], bool] = lambda name: True,
) -> list[Step]:
    """What a run would do, in order, without doing it.

    A node below one that will run is `maybe`: if the result above comes out the same, its key is the same and it is
    reused (early cut-off). It is `run` where its own code, parameters or environment were never seen before.
    """
    forced = [name for name in forced if selected(name)]
    steps: list[Step] = []
    known: dict[str, OutputDigests | None] = {}
    for node in nodes:
        pending = [name for name in node.upstream if known[name] is None]
        if pending:
            step = _undecided(node, pending, known, world, forced)
        else:
            step = decide(node, input_digests(node, known), world, forced)
        outputs = step.reusable.outputs if step.reusable else None
        known[node.name] = (
            {name: artifact.digest for name, artifact in outputs.items()} if outputs else None
        )
        if selected(node.name):
            steps.append(step)
    return steps


def input_digests(node: Node, known: Mapping[str, OutputDigests | None]) -> dict[str, str]:
    """Input key -> canonical digest, for the inputs whose producers are known."""
    found = {}
    for key, source in node.inputs.items():
        producer, output = source.split(".")
        outputs = known[producer]
        if outputs is not None:
            found[key] = outputs[output]
    return found


def _undecided(
    node: Node,
    pending: Sequence[str],
    known: Mapping[str, OutputDigests | None],
    world: World,
    forced: Collection[str],
) -> Step:
    reason = Reason("upstream", f"{', '.join(pending)} will run")
    if node.name in forced:
        return Step(node, "run", (Reason("forced", "--force"), reason))
    history = world.history(node)
    ingredients = world.ingredients(node, input_digests(node, known))
    if any(could_be_same(execution.ingredients, ingredients) for execution in history):
        return Step(node, "maybe", (reason,))
    if not history:
        return Step(node, "run", (Reason("first", "it has never completed"),))
    return Step(node, "run", (*own_differences(history[0].ingredients, ingredients), reason))


def _reasons(node: Node, ingredients: Ingredients, world: World) -> tuple[Reason, ...]:
    reasons: list[Reason] = []
    ended = {"FAILED": "failed", "ABANDONED": "was abandoned", "CANCELED": "was abandoned"}
    state = world.last_state(node)
    if state in ended:
        reasons.append(Reason("failed", f"its last execution {ended[state]}"))
    history = world.history(node)
    if not history:
        return tuple(reasons) or (Reason("first", "it has never completed"),)
    changes = list(differences(history[0].ingredients, ingredients))
    return tuple(reasons + changes) or (Reason("missing", "no completed execution has this key"),)
