import pytest

from pipeline import planning
from pipeline.keys import Reason
from pipeline.nodes import Node
from pipeline.planning import Nearest, Step
from pipeline.selection import Scope, Selection
from preprocessing.base.errors import InputError
from tests.pipeline.fake_world import FakeWorld

READ = Node("Read", "components.none", outputs={"out": "Examples"})
TRAIN = Node("Train", "components.none", outputs={"out": "Model"}, inputs={"rows": "Read.out"})
SCORE = Node(
    "Score",
    "components.none",
    outputs={"out": "Score"},
    inputs={"model": "Train.out", "rows": "Read.out"},
)
NODES = [READ, TRAIN, SCORE]


@pytest.fixture
def world() -> FakeWorld:
    """A world in which everything has completed once."""
    made = FakeWorld()
    made.complete(NODES)
    return made


def plan(world: FakeWorld, *forced: str) -> list[Step]:
    return planning.plan(Selection(forced=forced).scope(NODES), world)


def decide(node: Node, inputs: dict[str, str], world: FakeWorld, *forced: str) -> Step:
    """The decision about a node whose inputs (input key -> digest) are all known."""
    known: dict[str, dict[str, str] | None] = {}
    for key, source in node.inputs.items():
        producer, output = source.split(".")
        known[producer] = {output: inputs[key]}
    return planning.decide(
        node, known, world, Scope([node], frozenset([node.name]), frozenset(forced))
    )


def actions(steps: list[Step]) -> list[str]:
    return [step.action for step in steps]


def reasons(step: Step) -> list[tuple[str, str]]:
    return [(reason.kind, reason.detail) for reason in step.reasons]


class TestAPlan:
    def test_of_an_empty_store_runs_everything_for_the_first_time(self) -> None:
        steps = plan(FakeWorld())
        assert [step.node for step in steps] == NODES
        assert actions(steps) == ["run", "run", "run"]
        assert {step.reasons[0].kind for step in steps} == {"first"}

    def test_of_an_unchanged_world_reuses_everything(self, world: FakeWorld) -> None:
        steps = plan(world)
        assert actions(steps) == ["reuse", "reuse", "reuse"]
        assert [step.reasons for step in steps] == [(), (), ()]
        assert [step.reusable for step in steps] == world.executions

    def test_says_maybe_below_what_will_run(self, world: FakeWorld) -> None:
        world.externals["Read"] = {"data": "changed"}
        steps = plan(world)
        assert actions(steps) == ["run", "maybe", "maybe"]
        assert reasons(steps[0]) == [("data", "data changed")]
        assert reasons(steps[1]) == [("upstream", "Read will run")]
        assert reasons(steps[2]) == [("upstream", "Train, Read will run")]
        assert [step.depends_on for step in steps] == [(), ("Read",), ("Train", "Read")]

    def test_says_run_below_where_the_code_is_new_whatever_comes_from_above(
        self, world: FakeWorld
    ) -> None:
        world.externals["Read"] = {"data": "changed"}
        world.code["Train"] = "edited"
        train = plan(world)[1]
        assert train.action == "run"
        assert reasons(train) == [("code", "code.py changed"), ("upstream", "Read will run")]

    def test_says_run_where_a_known_input_was_never_seen(self, world: FakeWorld) -> None:
        """Score's rows are new already, so it will run even if Train's model comes out the same."""
        world.externals["Read"] = {"data": "changed"}
        world.complete([READ], Read="other-rows")
        score = plan(world)[2]
        assert score.action == "run"
        assert reasons(score) == [("upstream", "Train will run")]

    def test_says_run_where_what_could_be_reused_is_lost(self, world: FakeWorld) -> None:
        world.externals["Read"] = {"data": "changed"}
        damage = world.lost[2] = Reason("missing", "weights are gone")
        train = plan(world)[1]
        assert (train.action, train.reasons[0]) == ("run", damage)

    def test_says_first_below_where_nothing_completed_yet(self, world: FakeWorld) -> None:
        world.executions = [e for e in world.executions if e.node != "Score"]
        world.externals["Read"] = {"data": "changed"}
        assert reasons(plan(world)[2]) == [("first", "it has never completed")]

    def test_the_champion_of_a_model_to_come_is_no_reason(self, world: FakeWorld) -> None:
        world.externals["Score"] = {"champion": "none"}
        world.complete(NODES)
        world.externals["Read"] = {"data": "changed"}
        assert plan(world)[2].action == "maybe"
        world.code["Score"] = "edited"
        assert [reason.kind for reason in plan(world)[2].reasons] == ["code", "upstream"]

    def test_a_rerun_with_the_same_result_lets_the_rest_be_reused(self, world: FakeWorld) -> None:
        world.code["Read"] = "reformatted"
        assert actions(plan(world)) == ["run", "maybe", "maybe"]
        world.complete([READ])
        assert actions(plan(world)) == ["reuse", "reuse", "reuse"]

    def test_a_rerun_with_another_result_does_not(self, world: FakeWorld) -> None:
        world.code["Read"] = "edited"
        world.complete([READ], Read="other-rows")
        train = plan(world)[1]
        assert train.action == "run"
        assert reasons(train) == [("upstream", "input rows changed")]

    def test_going_back_reuses_the_older_execution(self, world: FakeWorld) -> None:
        world.parameters["Train"] = {"steps": 2}
        world.complete([READ, TRAIN], Train="other-model")
        assert plan(world)[1].reusable == world.executions[-1]
        world.parameters["Train"] = {"steps": 1}
        steps = plan(world)
        assert actions(steps) == ["reuse", "reuse", "reuse"]
        assert steps[1].reusable == world.executions[1]

    def test_of_a_selection_names_it_and_what_it_reuses(self, world: FakeWorld) -> None:
        world.code["Train"] = "edited"
        steps = planning.plan(Selection(first=("Train",), last=("Train",)).scope(NODES), world)
        assert [(step.node.name, step.action) for step in steps] == [
            ("Read", "reuse"),
            ("Train", "run"),
        ]

    def test_of_a_selection_refuses_where_what_is_above_is_out_of_date(
        self, world: FakeWorld
    ) -> None:
        world.externals["Read"] = {"data": "changed"}
        with pytest.raises(
            InputError, match=r"Read is out of date \(data changed\).*`gpt2-tfx run --to Read`"
        ):
            planning.plan(Selection(first=("Train",)).scope(NODES), world)

    def test_looks_at_the_whole_history_before_it_says_run(self, world: FakeWorld) -> None:
        for number in range(30):
            world.parameters["Train"] = {"steps": 2 + number}
            world.complete([READ, TRAIN])
        world.parameters["Train"] = {"steps": 1}
        world.externals["Read"] = {"data": "changed"}
        assert plan(world)[1].action == "maybe"


class TestTheNearestExecution:
    def test_is_named_where_it_is_not_the_newest(self, world: FakeWorld) -> None:
        world.parameters["Train"] = {"steps": 2, "rate": 3}
        world.complete([READ, TRAIN])
        world.parameters["Train"] = {"steps": 1, "rate": 4}
        step = plan(world)[1]
        assert reasons(step) == [("params", "rate: 3 -> 4"), ("params", "steps: 2 -> 1")]
        assert step.nearest == Nearest("run-2", (Reason("params", "rate: None -> 4"),))

    def test_is_not_named_where_it_is_the_newest(self, world: FakeWorld) -> None:
        world.parameters["Train"] = {"steps": 2}
        assert plan(world)[1].nearest is None

    def test_is_named_below_what_will_run_too(self, world: FakeWorld) -> None:
        world.parameters["Train"] = {"steps": 2, "rate": 3}
        world.complete([READ, TRAIN])
        world.parameters["Train"] = {"steps": 1, "rate": 4}
        world.externals["Read"] = {"data": "changed"}
        step = plan(world)[1]
        assert step.nearest is not None
        assert step.nearest.run_id == "run-2"


class TestForcing:
    def test_runs_what_could_be_reused(self, world: FakeWorld) -> None:
        steps = plan(world, "Train")
        assert actions(steps) == ["reuse", "run", "maybe"]
        assert reasons(steps[1]) == [("forced", "--force")]
        assert steps[1].reusable is None

    def test_makes_run_of_maybe(self, world: FakeWorld) -> None:
        steps = plan(world, "Read", "Score")
        assert actions(steps) == ["run", "maybe", "run"]
        assert reasons(steps[2])[0] == ("forced", "--force")

    def test_keeps_the_key(self, world: FakeWorld) -> None:
        assert decide(READ, {}, world, "Read").key == world.executions[0].key


class TestADecision:
    def test_carries_key_ingredients_and_what_is_reused(self, world: FakeWorld) -> None:
        step = decide(READ, {}, world)
        assert step.reusable is world.executions[0]
        assert step.ingredients is not None
        assert step.ingredients.key("Read") == step.key == world.executions[0].key

    @pytest.mark.parametrize("kind", ["corrupt", "missing"])
    def test_damage_makes_it_run(self, world: FakeWorld, kind: str) -> None:
        damage = Reason(kind, "rows.gz")  # type: ignore[arg-type]
        world.lost[1] = damage
        step = decide(READ, {}, world)
        assert (step.action, step.reasons, step.reusable) == ("run", (damage,), None)

    def test_damage_above_makes_maybe_below(self, world: FakeWorld) -> None:
        world.lost[1] = Reason("corrupt", "rows.gz")
        assert actions(plan(world)) == ["run", "maybe", "maybe"]

    @pytest.mark.parametrize(
        ("state", "detail"),
        [
            ("FAILED", "its last execution failed"),
            ("ABANDONED", "its last execution was abandoned"),
        ],
    )
    def test_a_failure_is_named_beside_what_changed(
        self, world: FakeWorld, state: str, detail: str
    ) -> None:
        world.states["Train"] = state
        world.parameters["Train"] = {"steps": 2}
        step = decide(TRAIN, {"rows": "Read-result"}, world)
        assert reasons(step) == [("failed", detail), ("params", "steps: 1 -> 2")]

    def test_a_failed_first_execution_is_a_failure_not_a_first(self) -> None:
        world = FakeWorld(states={"Read": "FAILED"})
        assert reasons(decide(READ, {}, world)) == [("failed", "its last execution failed")]

    def test_a_failure_does_not_hinder_the_reuse_of_what_completed(self, world: FakeWorld) -> None:
        world.states["Read"] = "FAILED"
        assert decide(READ, {}, world).action == "reuse"

    def test_names_everything_that_changed(self, world: FakeWorld) -> None:
        world.parameters["Train"] = {"steps": 2}
        world.code["Train"] = "edited"
        world.externals["Train"] = {"data": "other"}
        world.environment = "upgraded"
        step = decide(TRAIN, {"rows": "other"}, world)
        assert [kind for kind, _ in reasons(step)] == [
            "data",
            "code",
            "params",
            "environment",
            "upstream",
        ]


def may_run(selection: Selection) -> frozenset[str]:
    return selection.scope(NODES).may_run


class TestSelections:
    def test_from_takes_what_it_reaches(self) -> None:
        assert may_run(Selection(first=("Train",))) == {"Train", "Score"}

    def test_to_takes_what_it_needs(self) -> None:
        assert may_run(Selection(last=("Train",))) == {"Read", "Train"}

    def test_from_and_to_take_what_lies_between(self) -> None:
        assert may_run(Selection(first=("Train",), last=("Train",))) == {"Train"}

    def test_several_take_what_any_of_them_takes(self) -> None:
        assert may_run(Selection(first=("Train", "Score"))) == {"Train", "Score"}
        assert may_run(Selection(last=("Read", "Train"))) == {"Read", "Train"}

    def test_only_takes_these_and_nothing_between(self) -> None:
        assert may_run(Selection(only=("Read", "Score"))) == {"Read", "Score"}

    def test_neither_takes_everything(self) -> None:
        assert may_run(Selection()) == {"Read", "Train", "Score"}

    @pytest.mark.parametrize(
        "selection",
        [Selection(first=("Tarin",)), Selection(only=("Tarin",)), Selection(forced=("Tarin",))],
    )
    def test_an_unknown_node_is_refused_with_the_known_ones(self, selection: Selection) -> None:
        with pytest.raises(InputError, match=r"Tarin.*Read, Train, Score"):
            selection.scope(NODES)

    def test_nothing_between_is_refused(self) -> None:
        with pytest.raises(InputError, match="--from Score --to Read: no node lies between"):
            Selection(first=("Score",), last=("Read",)).scope(NODES)

    def test_forcing_what_is_left_out_is_refused(self) -> None:
        with pytest.raises(InputError, match="--force Score"):
            Selection(last=("Train",), forced=("Score",)).scope(NODES)
