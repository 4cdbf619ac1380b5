"""Which version is served: what runs publish and promote, what a rollback pins, and what a kill leaves."""

import itertools
import os
import signal
from collections.abc import Callable
from typing import Any

import pytest

from pipeline import node_launcher
from pipeline.leases import RUN_LEASE, LeaseLostError
from pipeline.nodes import node_table
from pipeline.planning import plan
from pipeline.selection import Selection
from pipeline.serving_history import plan_pointer, served, serving_events
from pipeline.serving_pointer import ServingPointer
from pipeline.store import ServingEvent, Store
from preprocessing.base.errors import InputError
from serving.versions import Versions
from tests.pipeline.conftest import WriteConfig
from tests.pipeline.launches import Launches
from tests.pipeline.tfx_records import TfxRecords

LONGER = "training.steps=9"
LONGEST = "training.steps=99"


def pointer(launches: Launches) -> ServingPointer:
    return ServingPointer(launches.store, launches.versions)


def events(launches: Launches) -> list[ServingEvent]:
    """Oldest first, with those that are left open."""
    return list(launches.store.serving_events())[::-1]


def told(launches: Launches) -> list[tuple[str, str, str, str]]:
    return [(e.kind, e.version, e.before, e.cause) for e in events(launches)]


def push(launches: Launches, run_id: str, weights: str, *overrides: str) -> str:
    """Run a configuration whose model has these weights; returns the version that it pushed."""
    launches.results["Trainer"] = weights
    pushed = launches.run(run_id, None, *overrides).pushed
    assert pushed is not None
    return pushed


class TestRuns:
    def test_a_push_and_what_latest_then_names_are_events(self, launches: Launches) -> None:
        one = push(launches, "run-1", "one")
        two = push(launches, "run-2", "two", LONGER)
        assert launches.versions.names() == [one, two]
        assert launches.versions.latest() == two
        assert told(launches) == [
            ("push", one, "", "run run-1"),
            ("promote", one, "", "run run-1"),
            ("push", two, one, "run run-2"),
            ("promote", two, one, "run run-2"),
        ]
        assert all(event.happened and event.model for event in events(launches))

    def test_a_run_that_changes_nothing_writes_no_event(self, launches: Launches) -> None:
        push(launches, "run-1", "one")
        before = told(launches)
        push(launches, "run-2", "one")
        assert told(launches) == before

    def test_to_return_to_an_earlier_model_takes_no_node(self, launches: Launches) -> None:
        one = push(launches, "run-1", "one")
        two = push(launches, "run-2", "two", LONGER)
        for run_id, overrides, version in (("run-3", [], one), ("run-4", [LONGER], two)):
            assert push(launches, run_id, "unused", *overrides) == version
            assert launches.launched == []
            assert launches.versions.latest() == version

    def test_a_lost_version_is_pushed_again(self, launches: Launches) -> None:
        one = push(launches, "run-1", "one")
        launches.versions.path(one).rename(launches.config_file.parent / "elsewhere")
        again = push(launches, "run-2", "one")
        assert launches.launched == ["Pusher"]
        assert launches.versions.latest() == again

    def test_what_was_served_when_is_known(self, launches: Launches) -> None:
        one = push(launches, "run-1", "one")
        two = push(launches, "run-2", "two", LONGER)
        pointer(launches).roll_back(one, "me")
        times = served(serving_events(launches.store, launches.versions))
        assert [(time.version, time.cause) for time in times] == [
            (one, "run run-1"),
            (two, "run run-2"),
            (one, "me"),
        ]
        assert [time.until for time in times] == [times[1].since, times[2].since, None]
        assert times[0].since < times[1].since < times[2].since


class TestARollback:
    def test_holds_until_it_is_released(self, launches: Launches) -> None:
        one = push(launches, "run-1", "one")
        two = push(launches, "run-2", "two", LONGER)
        assert pointer(launches).roll_back(one, "me") == two

        result = launches.run("run-3", None, LONGER)
        assert launches.launched == []
        assert launches.versions.latest() == one
        assert (result.pushed, result.pinned and result.pinned.version) == (two, one)
        three = push(launches, "run-4", "three", LONGEST)
        assert launches.versions.names() == [one, two, three]
        assert launches.versions.latest() == one

        assert pointer(launches).release("me") is True
        assert launches.versions.latest() == one
        result = launches.run("run-5", None, LONGEST)
        assert (launches.versions.latest(), result.pinned) == (three, None)
        assert [event[:3] for event in told(launches)][-4:] == [
            ("rollback", one, two),
            ("push", three, one),
            ("release", one, one),
            ("promote", three, one),
        ]

    def test_a_second_one_moves_the_pin(self, launches: Launches) -> None:
        one = push(launches, "run-1", "one")
        two = push(launches, "run-2", "two", LONGER)
        for version in (one, two):
            pointer(launches).roll_back(version, "me")
        result = launches.run("run-3")
        assert launches.versions.latest() == two
        assert result.pinned is not None
        assert result.pinned.version == two

    def test_to_a_version_that_is_not_there_changes_nothing(self, launches: Launches) -> None:
        push(launches, "run-1", "one")
        before = told(launches)
        with pytest.raises(InputError, match="version 1234: not pushed"):
            pointer(launches).roll_back("1234", "me")
        assert told(launches) == before

    def test_there_is_nothing_to_release_without_one(self, launches: Launches) -> None:
        push(launches, "run-1", "one")
        before = told(launches)
        assert pointer(launches).release("me") is False
        assert told(launches) == before

    def test_a_link_moved_by_hand_is_written_down_when_it_is_found(
        self, launches: Launches
    ) -> None:
        one = push(launches, "run-1", "one")
        two = push(launches, "run-2", "two", LONGER)
        launches.versions.set_latest(one)
        launches.run("run-3", None, LONGER)
        assert told(launches)[-2:] == [
            ("found", one, one, "found by run run-3"),
            ("promote", two, one, "run run-3"),
        ]


def test_a_run_that_lost_its_place_while_it_pushed_does_not_move_latest(
    launches: Launches,
) -> None:
    """It was paused, and another run went on in its place."""
    one = push(launches, "run-1", "one")

    def take_over() -> None:
        held = launches.store.newest_lease(RUN_LEASE)
        assert held is not None
        other = {**held.properties, "run": "other", "released": 1}
        assert launches.store.take_lease(RUN_LEASE, held.generation + 1, other) is not None

    launches.edits["Pusher"] = take_over
    with pytest.raises(LeaseLostError):
        push(launches, "run-2", "two", LONGER)
    assert (launches.versions.names(), launches.versions.latest()) == ([one], one)
    launches.edits.clear()
    # It was recorded before that was noticed, so it is published; but another configuration is in force now.
    assert push(launches, "run-3", "unused") == one
    assert (len(launches.versions.names()), launches.versions.latest()) == (2, one)


@pytest.mark.parametrize("store", ["postgresql", pytest.param("mariadb", marks=pytest.mark.long)])
def test_a_database_server_keeps_the_events_too(
    request: pytest.FixtureRequest, store: str, write_config: WriteConfig
) -> None:
    url = request.getfixturevalue(store)
    launches = Launches(write_config(f"corpus:\n  task: text\n  path: corpus\nstore: {url}\n"))
    one = push(launches, "run-1", "one")
    two = push(launches, "run-2", "two", LONGER)
    pointer(launches).roll_back(one, "me")
    result = launches.run("run-3", None, LONGER)
    assert result.pinned is not None
    pointer(launches).release("me")
    launches.run("run-4", None, LONGER)
    assert launches.versions.latest() == two
    assert [event[0] for event in told(launches)] == [
        *("push", "promote", "push", "promote"),
        *("rollback", "release", "promote"),
    ]


class TestTheChampion:
    def champion(self, launches: Launches) -> str | None:
        """The version that the last evaluation was compared with."""
        artifact_id = launches.requests["Evaluator"].inputs.get("champion")
        if artifact_id is None:
            return None
        return str(launches.store.artifact(artifact_id).properties["pushed_version"])

    def test_of_the_first_model_is_none(self, launches: Launches) -> None:
        push(launches, "run-1", "one")
        assert self.champion(launches) is None

    def test_is_what_latest_names(self, launches: Launches) -> None:
        one = push(launches, "run-1", "one")
        push(launches, "run-2", "two", LONGER)
        assert self.champion(launches) == one
        pointer(launches).roll_back(one, "me")
        push(launches, "run-3", "three", LONGEST)
        # The newest push is the one that was rolled back from.
        assert self.champion(launches) == one

    def test_of_a_model_that_was_served_stays_what_it_took_over_from(
        self, launches: Launches
    ) -> None:
        one = push(launches, "run-1", "one")
        push(launches, "run-2", "two", LONGER)
        push(launches, "run-3", "one")
        push(launches, "run-4", "three", LONGEST)
        assert self.champion(launches) == one
        launches.run("run-5", None, LONGER)
        assert launches.launched == []

    def test_that_is_gone_is_replaced_by_the_one_before(self, launches: Launches) -> None:
        one = push(launches, "run-1", "one")
        two = push(launches, "run-2", "two", LONGER)
        launches.versions.path(two).rename(launches.config_file.parent / "elsewhere")
        push(launches, "run-3", "three", LONGEST)
        assert self.champion(launches) == one


class TestAPlan:
    def plan(self, launches: Launches, *overrides: str) -> tuple[str | None, str | None, bool]:
        run = launches.new("plan", *overrides)
        steps = plan(Selection().scope(node_table(run.loaded.config)), run.world)
        found = plan_pointer(steps, run.world.store, run.world.versions)
        return found.now, found.after, found.pinned is not None

    def test_says_what_latest_will_name(self, launches: Launches) -> None:
        assert self.plan(launches) == (None, None, False)
        one = push(launches, "run-1", "one")
        assert self.plan(launches) == (one, one, False)
        assert self.plan(launches, LONGER) == (one, None, False)
        two = push(launches, "run-2", "two", LONGER)
        assert self.plan(launches) == (two, one, False)
        pointer(launches).roll_back(one, "me")
        assert self.plan(launches, LONGER) == (one, one, True)
        pointer(launches).release("me")
        assert self.plan(launches, LONGER) == (one, two, False)

    def test_of_a_model_that_was_refused_leaves_latest(self, launches: Launches) -> None:
        launches.blessed = False
        assert launches.run("run-1").pushed is None
        assert self.plan(launches) == (None, None, False)
        launches.blessed = True
        one = push(launches, "run-2", "one", LONGER)
        launches.blessed = False
        launches.results["Trainer"] = "two"
        assert launches.run("run-3", None, LONGEST).pushed is None
        assert self.plan(launches, LONGEST) == (one, one, False)


# What a push does, in its order: (where the function is, its name, which call of it in the run).
PUSH: list[tuple[Any, str, int]] = [
    (Versions, "stage", 1),
    (TfxRecords, "publish", 4),
    (node_launcher, "record_success", 4),
    (Store, "begin_serving_event", 1),
    (Versions, "publish", 1),
    (Store, "settle_serving_event", 1),
    (Store, "begin_serving_event", 2),
    (Versions, "set_latest", 1),
    (Store, "settle_serving_event", 2),
    (Store, "update_run", 1),
]
# What a rollback does: (where the function is, its name, whether `latest` has moved by then).
ROLLBACK: list[tuple[Any, str, bool]] = [
    (Store, "begin_serving_event", False),
    (Versions, "set_latest", False),
    (Store, "settle_serving_event", True),
]


class TestAKill:
    """The process ends as by SIGKILL: nothing of it tidies up, and its leases stay."""

    @pytest.mark.parametrize("next_run", [LONGER, LONGEST], ids=["the same", "another"])
    @pytest.mark.parametrize(("owner", "name", "call"), PUSH)
    def test_before_each_step_of_a_push(
        self, launches: Launches, owner: Any, name: str, call: int, next_run: str
    ) -> None:
        one = push(launches, "run-1", "one")
        other = Launches(launches.config_file)
        kill_before(owner, name, call, lambda: push(other, "run-2", "two", LONGER))
        self.is_known(launches)

        pushed = push(launches, "run-3", "two" if next_run == LONGER else "three", next_run)
        assert launches.versions.staged() == []
        assert launches.versions.latest() == pushed
        assert all(event.happened for event in events(launches))
        self.is_known(launches)
        # Nothing is left to do, and the way back is open.
        launches.run("run-4", None, next_run)
        assert launches.launched == []
        assert push(launches, "run-5", "unused") == one
        assert launches.versions.latest() == one

    @pytest.mark.parametrize(("owner", "name", "moved"), ROLLBACK)
    def test_before_each_step_of_a_rollback(
        self, launches: Launches, owner: Any, name: str, moved: bool
    ) -> None:
        one = push(launches, "run-1", "one")
        two = push(launches, "run-2", "two", LONGER)
        other = Launches(launches.config_file)
        kill_before(owner, name, 1, lambda: pointer(other).roll_back(one, "me"))
        for _ in range(2):
            assert launches.versions.latest() == (one if moved else two)
            self.is_known(launches)
            result = launches.run("run-3", None, LONGER)
            assert (result.pinned is not None) == moved
        assert all(event.happened for event in events(launches))

    @pytest.mark.parametrize(
        ("owner", "name"),
        [
            (TfxRecords, "publish"),
            (node_launcher, "record_success"),
            (Versions, "publish"),
            (Versions, "set_latest"),
            (Store, "update_run"),
        ],
    )
    def test_of_a_container_is_made_good_when_it_is_started_again(
        self, launches: Launches, owner: Any, name: str
    ) -> None:
        *before, last = [node.name for node in node_table(launches.new("look").loaded.config)]
        for node in before:
            launches.node("kfp-1", node)
        other = Launches(launches.config_file)
        kill_before(owner, name, 1, lambda: other.node("kfp-1", last))
        launches.node("kfp-1", last)
        (version,) = launches.versions.names()
        assert (launches.versions.latest(), launches.versions.staged()) == (version, [])
        self.is_known(launches)
        run = launches.store.run("kfp-1")
        assert run is not None
        assert run.properties["state"] == "complete"

    def is_known(self, launches: Launches) -> None:
        """Every version that is there was recorded, and the last event says what `latest` names."""
        store = launches.store
        known = {a.properties["pushed_version"] for a in store.artifacts("PushedModel") if a.digest}
        assert set(launches.versions.names()) <= known
        now = served(serving_events(store, launches.versions))[-1]
        assert now.version == launches.versions.latest()


def kill_before(owner: Any, name: str, fatal: int, action: Callable[[], object]) -> None:
    """Do something in a process of its own, which is killed before call number `fatal` of a function."""
    process = os.fork()
    if process:
        _, status = os.waitpid(process, 0)
        assert os.waitstatus_to_exitcode(status) == -signal.SIGKILL
        return
    function, calls = getattr(owner, name), itertools.count(1)

    def call(*arguments: Any, **named: Any) -> Any:
        if next(calls) == fatal:
            os.kill(os.getpid(), signal.SIGKILL)
        return function(*arguments, **named)

    try:
        setattr(owner, name, call)
        action()
    finally:
        os._exit(1)
