"""What `plan` says is what `run` then does, over random histories of a small pipeline."""

import random
from collections.abc import Mapping, Sequence
from functools import cache

from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.keys import Reason
from pipeline.nodes import Node
from pipeline.planning import Step, carry_out, plan
from pipeline.selection import Scope, Selection
from pipeline.store import StoredExecution
from preprocessing.base.errors import InputError
from tests.pipeline.fake_world import FakeWorld

NODES = [
    Node("Read", "components.none", outputs={"rows": "Examples", "index": "RecordIndex"}),
    Node("Check", "components.none", outputs={"ok": "Score"}, inputs={"rows": "Read.rows"}),
    Node("Base", "components.none", outputs={"model": "Model"}),
    Node(
        "Train",
        "components.none",
        outputs={"model": "Model"},
        inputs={"rows": "Read.rows", "ok": "Check.ok", "base": "Base.model"},
    ),
    Node(
        "Score",
        "components.none",
        outputs={"out": "Score"},
        inputs={"model": "Train.model", "rows": "Read.rows"},
    ),
]
NAMES = [node.name for node in NODES]
# So many executions have few enough results that all of them can be tried.
_FEW = 14


class KilledError(Exception):
    """The node's process dies."""


class History(FakeWorld):
    """A pipeline whose results follow from what was read, and sometimes come out equal although that differs."""

    def __init__(self, dice: random.Random) -> None:
        super().__init__(externals={"Score": {"champion": "none"}})
        self.dice = dice
        self.settings: dict[str, int] = dict.fromkeys(NAMES, 0)

    def edit(self, name: str) -> None:
        """Change the code, a parameter or the data of a node, or change it back."""
        value = self.settings[name] = self.dice.randrange(4)
        what = self.dice.choice(["code", "parameters", "externals"])
        if what == "code":
            self.code[name] = f"c{value}"
        elif what == "parameters":
            self.parameters[name] = {"steps": value}
        elif name == "Score":
            self.externals[name] = {"champion": f"model {value}"}
        else:
            self.externals[name] = {"data": f"d{value}"}

    def lose(self) -> None:
        """Damage the outputs of an execution for good."""
        if self.executions:
            victim = self.dice.choice(self.executions)
            self.lost[victim.id] = Reason("corrupt", "a file")

    def launch(self, step: Step, inputs: Mapping[str, str]) -> StoredExecution:
        """Run a node: two of four settings give the same result."""
        if self.dice.random() < 0.1:
            self.states[step.node.name] = "FAILED"
            raise KilledError
        result = f"{self.settings[step.node.name] // 2} of {sorted(inputs.items())}"
        return self.record(step.node, inputs, result)


def do_run(world: History, selection: Selection) -> None:
    """Plan, then run, and compare."""
    scope = selection.scope(NODES)
    try:
        steps = plan(scope, world)
    except InputError:
        # Whoever asks for the plan and whoever asks for the run are told the same, before anything has run.
        return
    said: dict[str, str] = {step.node.name: step.action for step in steps}
    if len(world.executions) <= _FEW:
        for name, possible in brute_force(world, scope).items():
            # `maybe` looks at each node by itself, and so may think of results that do not come together.
            assert said[name] == possible or (said[name], possible) == ("maybe", "run")
    assert list(said) == [node.name for node in scope.nodes]
    for step in steps:
        above_runs = any(said[name] != "reuse" for name in step.node.upstream)
        assert step.action != "maybe" or above_runs
    made: dict[str, StoredExecution] = {}

    def do(step: Step) -> StoredExecution:
        name, done = step.node.name, "reuse" if step.reusable else "run"
        assert said[name] in (done, "maybe"), f"{name}: plan said {said[name]}, run did {done}"
        assert name in scope.may_run or done == "reuse"
        assert name not in scope.forced or done == "run"
        assert step.reusable is None or step.reusable.id not in world.lost
        inputs = {}
        for key, source in step.node.inputs.items():
            producer, output = source.split(".")
            inputs[key] = made[producer].outputs[output].digest
        assert step.ingredients is not None
        assert step.ingredients.inputs == inputs
        made[name] = step.reusable or world.launch(step, inputs)
        return made[name]

    try:
        carry_out(steps, world, scope, do)
    except KilledError:
        return
    assert list(made) == list(said)
    again = plan(scope, world) if not scope.forced else []
    assert {step.action for step in again} <= {"reuse"}


def brute_force(world: History, scope: Scope) -> dict[str, str]:
    """What may become of each node: every result is tried that a node which runs could come to.

    An execution is taken where all that decides it is equal, part by part; no key is asked.
    """
    seen: dict[str, set[str]] = {name: {"new"} for name in NAMES}
    for execution in world.executions:
        seen[execution.node] |= {artifact.digest for artifact in execution.outputs.values()}
    outcomes: dict[str, set[str]] = {node.name: set() for node in scope.nodes}

    @cache
    def result_of_reuse(name: str, inputs: tuple[tuple[str, str], ...]) -> str | None:
        (node,) = (node for node in NODES if node.name == name)
        now = world.ingredients(node, dict(inputs)).to_dict()
        same = [e for e in world.executions if e.node == node.name and e.ingredients == now]
        if not same or same[-1].id in world.lost or node.name in scope.forced:
            return None
        return next(iter(same[-1].outputs.values())).digest

    def explore(nodes: Sequence[Node], made: Mapping[str, str]) -> None:
        if not nodes:
            return
        node, *rest = nodes
        inputs = tuple((key, made[source.split(".")[0]]) for key, source in node.inputs.items())
        reused = result_of_reuse(node.name, inputs)
        outcomes[node.name].add("run" if reused is None else "reuse")
        for result in seen[node.name] if reused is None else [reused]:
            explore(rest, {**made, node.name: result})

    explore(scope.nodes, {})
    return {name: "maybe" if len(found) == 2 else found.pop() for name, found in outcomes.items()}


def selection(dice: random.Random) -> Selection:
    def some(chance: float) -> tuple[str, ...]:
        return tuple(name for name in NAMES if dice.random() < chance)

    given = dice.choice([(), (), ("first",), ("last",), ("first", "last"), ("only",)])
    return Selection(**{name: some(0.3) for name in given}, forced=some(0.1))


@settings(max_examples=150, deadline=None)
@given(dice=st.randoms(use_true_random=False))
def test_a_run_does_what_the_plan_said(dice: random.Random) -> None:
    world = History(dice)
    for _ in range(25):
        if dice.random() < 0.3:
            world.lose()
        world.edit(dice.choice(NAMES))
        chosen = selection(dice)
        try:
            chosen.scope(NODES)
        except InputError:
            continue
        do_run(world, chosen)
