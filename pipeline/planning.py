"""`plan`: a pure function from what is known to an ordered list of steps, which `run` then carries out."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Literal, Protocol

from pipeline.described_changes import first_of
from pipeline.keys import Ingredients, Reason, could_be_same, differences, own_differences
from pipeline.nodes import Node
from pipeline.selection import Scope
from pipeline.store import StoredExecution
from preprocessing.base.errors import InputError

Action = Literal["run", "reuse", "maybe"]
# Canonical digests of a node's outputs by output key; None where they are not known before it ran.
OutputDigests = Mapping[str, str]
# So many earlier executions are compared with what is there now to say which is nearest.
_LOOKED_BACK = 50


class World(Protocol):
    """What planning asks of the store, the file system and the code."""

    def ingredients(self, node: Node, inputs: Mapping[str, str]) -> Ingredients:
        """What decides the node's result, given the canonical digests of its inputs."""

    def find(self, node: Node, key: str) -> StoredExecution | None:
        """The newest COMPLETE execution under the key."""

    def history(self, node: Node) -> Iterable[StoredExecution]:
        """Every COMPLETE execution of the node, newest first; read no further than it is looked at."""

    def why_unusable(self, node: Node, execution: StoredExecution) -> Reason | None:
        """Why the outputs of an execution cannot be used; None if they are intact."""

    def what_changed(self, node: Node, earlier: StoredExecution, name: str) -> str:
        """What changed within an external content, a source file or a lock since then; empty where it is not known."""

    def run_of(self, execution: StoredExecution) -> str:
        """The id of the run that launched an execution."""

    def last_state(self, node: Node) -> str | None:
        """The state of the node's newest execution."""


@dataclass(frozen=True)
class Nearest:
    """An execution that had more in common with what is there now than the newest: its run, and what differs."""

    run_id: str
    differences: tuple[Reason, ...]


@dataclass(frozen=True)
class Step:
    """A decision about one node.

    key, ingredients: empty and None below a node that will run, whose result is not known yet. `run` is decided there
    all the same where no result can lead to a known key; `maybe` stays open.
    reusable: the execution that is reused. nearest: beside the reasons, which compare with the newest execution.
    depends_on: of `maybe`: the nodes that will run, whose results decide.
    """

    node: Node
    action: Action
    reasons: tuple[Reason, ...]
    key: str = ""
    ingredients: Ingredients | None = None
    reusable: StoredExecution | None = None
    nearest: Nearest | None = None
    depends_on: tuple[str, ...] = ()


def plan(scope: Scope, world: World) -> list[Step]:
    """What a run would do, in order, without doing it.

    A node below one that will run is `maybe`: if the result above comes out the same, its key is the same and it is
    reused (early cut-off). It is `run` where its own code, parameters or environment were never seen before.
    Raises InputError where a node that may not run is out of date.
    """
    steps: list[Step] = []
    known: dict[str, OutputDigests | None] = {}
    for node in scope.nodes:
        step = decide(node, known, world, scope)
        known[node.name] = output_digests(step.reusable) if step.reusable else None
        steps.append(step)
    return steps


def carry_out(
    steps: Sequence[Step], world: World, scope: Scope, do: Callable[[Step], StoredExecution]
) -> None:
    """Do the steps of a plan in their order; what lay below a node that has run by now is decided at its turn.

    do: reuses what the step names, or runs its node, and returns the execution.
    """
    known: dict[str, OutputDigests | None] = {}
    for step in steps:
        if step.ingredients is None:
            step = decide(step.node, known, world, scope)
        known[step.node.name] = output_digests(do(step))


def decide(
    node: Node, known: Mapping[str, OutputDigests | None], world: World, scope: Scope
) -> Step:
    """The decision about a node, given the outputs of those above it, of which some may not be known yet.

    Raises InputError where the node is out of date and may not run.
    """
    pending = [name for name in node.upstream if known[name] is None]
    inputs = _input_digests(node, known)
    step = (
        _undecided(node, pending, inputs, world, scope)
        if pending
        else _decided(node, inputs, world, scope)
    )
    if step.action != "reuse" and node.name not in scope.may_run:
        why = "; ".join(reason.detail for reason in step.reasons)
        raise InputError(
            f"{node.name} is out of date ({why}) and may not run here. `gpt2-tfx run --to {node.name}` makes "
            "what is needed of it; or leave out --from and --only."
        )
    return step


def reasons_text(reasons: Sequence[Reason], limit: int = 4) -> str:
    """The first reasons in a line, and how many more there are."""
    return first_of([f"{reason.kind}: {reason.detail}" for reason in reasons], limit, "; ")


def output_digests(execution: StoredExecution) -> OutputDigests:
    return {name: artifact.digest for name, artifact in execution.outputs.items()}


def _input_digests(node: Node, known: Mapping[str, OutputDigests | None]) -> dict[str, str]:
    """Input key -> canonical digest, for the inputs whose producers are known."""
    found = {}
    for key, source in node.inputs.items():
        producer, output = source.split(".")
        outputs = known[producer]
        if outputs is not None:
            found[key] = outputs[output]
    return found


def _decided(node: Node, inputs: Mapping[str, str], world: World, scope: Scope) -> Step:
    ingredients = world.ingredients(node, inputs)
    key = ingredients.key(node.name)
    if node.name in scope.forced:
        return Step(node, "run", (Reason("forced", "--force"),), key, ingredients)
    found = world.find(node, key)
    if found is None:
        reasons, nearest = _reasons(node, ingredients, world)
        return Step(node, "run", reasons, key, ingredients, nearest=nearest)
    fault = world.why_unusable(node, found)
    if fault is not None:
        return Step(node, "run", (fault,), key, ingredients)
    return Step(node, "reuse", (), key, ingredients, found)


def _undecided(
    node: Node, pending: Sequence[str], inputs: Mapping[str, str], world: World, scope: Scope
) -> Step:
    reason = Reason("upstream", f"{', '.join(pending)} will run")
    if node.name in scope.forced:
        return Step(node, "run", (Reason("forced", "--force"), reason))
    ingredients = world.ingredients(node, inputs)
    faults: dict[str, Reason | None] = {}
    for earlier in world.history(node):
        # As when it is decided, the newest under a key counts.
        if earlier.key not in faults and could_be_same(earlier.ingredients, ingredients):
            fault = faults[earlier.key] = world.why_unusable(node, earlier)
            if fault is None:
                return Step(node, "maybe", (reason,), depends_on=tuple(pending))
    damage = next(filter(None, faults.values()), None)
    if damage is not None:
        return Step(node, "run", (damage, reason))
    changes, nearest = _compared(node, ingredients, world, own_differences)
    if changes is None:
        return Step(node, "run", (Reason("first", "it has never completed"),))
    return Step(node, "run", (*changes, reason), nearest=nearest)


def _reasons(
    node: Node, ingredients: Ingredients, world: World
) -> tuple[tuple[Reason, ...], Nearest | None]:
    reasons: list[Reason] = []
    ended = {"FAILED": "failed", "ABANDONED": "was abandoned", "CANCELED": "was abandoned"}
    state = world.last_state(node)
    if state in ended:
        reasons.append(Reason("failed", f"its last execution {ended[state]}"))
    changes, nearest = _compared(node, ingredients, world, differences)
    if changes is None:
        return tuple(reasons) or (Reason("first", "it has never completed"),), None
    lost = Reason("missing", "no completed execution has this key")
    return (*reasons, *changes) or (lost,), nearest


def _compared(
    node: Node, ingredients: Ingredients, world: World, differ: Callable[..., Iterator[Reason]]
) -> tuple[list[Reason] | None, Nearest | None]:
    """What changed since the newest execution, None without one; and the nearest, where that is an older one."""
    history = list(islice(world.history(node), _LOOKED_BACK))
    if not history:
        return None, None

    def since(earlier: StoredExecution) -> list[Reason]:
        explain = partial(world.what_changed, node, earlier)
        return list(differ(earlier.ingredients, ingredients, explain))

    newest = since(history[0])
    nearest = min(history, key=lambda earlier: len(list(differ(earlier.ingredients, ingredients))))
    if nearest is history[0]:
        return newest, None
    return newest, Nearest(world.run_of(nearest), tuple(since(nearest)))
