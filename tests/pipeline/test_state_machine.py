"""The state machine of a run against a model of its rules: decide, lease, launch, record, push; two workspaces on one
store; processes that die or pause before any step; on SQLite, PostgreSQL and MariaDB.

The rules: what is recorded is whole and true; a node runs if and only if nothing whole is recorded under its key in
its workspace; nobody records who lost his lease; `latest` names a version that is recorded; a run that ended says how.
"""

import shutil
import tempfile
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import ClassVar

import pytest
from hypothesis import HealthCheck, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    rule,
    run_state_machine_as_test,
)

from pipeline.garbage.keeping import Policy
from pipeline.leases import RUN_LEASE, LeaseHeldError, LeaseLostError
from pipeline.lineage import executions_behind
from pipeline.manifests import content_root
from pipeline.run_record import is_over
from pipeline.store import StoredExecution, StoreReader
from pipeline.store.names import LEASE
from preprocessing.base.errors import FailureError, InputError
from serving.versions import Versions
from tests.mariadb import MariaDB
from tests.pipeline.mortal_runs import (
    NODES,
    Clock,
    Death,
    MortalLaunches,
    Process,
    content_of,
)
from tests.postgresql import PostgreSQL

CONFIGURATIONS = [(), ("seed=2",), ("training.steps=9",)]
PLACES = st.sampled_from([0, 1])
OVERRIDES = st.sampled_from(CONFIGURATIONS)
# A whole run on a fresh workspace has about 90 steps; one that reuses everything, 20.
STEPS = st.one_of(st.integers(1, 25), st.integers(1, 100))


class RunMachine(RuleBasedStateMachine):
    """Two workspaces on one store, and the processes that work in them."""

    new_store: ClassVar[Callable[[Path], str]]

    def __init__(self) -> None:
        super().__init__()
        self.base = Path(tempfile.mkdtemp())
        self.url = type(self).new_store(self.base)
        self.clock = Clock()
        self.processes = 0
        self.moves = 0
        self.folders = [self.base / "a", self.base / "b"]
        self.runs: list[dict[str, str]] = [{}, {}]
        self.parameters: list[dict[str, tuple[str, ...]]] = [{}, {}]
        self.damaged: set[int] = set()
        self.collected: set[int] = set()
        for folder in self.folders:
            (folder / "corpus").mkdir(parents=True)
            (folder / "corpus" / "one.txt").write_text("Some prose.\n")
            (folder / "pipeline.yaml").write_text(
                f"corpus:\n  task: text\n  path: corpus\nstore: {self.url}\n"
            )

    def teardown(self) -> None:
        shutil.rmtree(self.base)

    # What is done

    @rule(place=PLACES, overrides=OVERRIDES)
    def run(self, place: int, overrides: tuple[str, ...]) -> None:
        """A run that nothing disturbs."""
        self._run_to_the_end(place, overrides, self._process())

    @rule(place=PLACES, overrides=OVERRIDES, step=STEPS)
    def run_and_die(self, place: int, overrides: tuple[str, ...], step: int) -> None:
        process = self._process()
        process.dies_before = step
        run_id = self._new_run(place, process)
        try:
            self._launches(place, process).run(run_id, None, *overrides)
        except Death:
            self.runs[place][run_id] = "dead"
        else:
            self.runs[place][run_id] = "complete"

    @rule(places=st.tuples(PLACES, PLACES), overrides=st.tuples(OVERRIDES, OVERRIDES), step=STEPS)
    def run_beside(
        self, places: tuple[int, int], overrides: tuple[tuple[str, ...], tuple[str, ...]], step: int
    ) -> None:
        """While one process runs, another starts a run: in its workspace it is refused."""
        first, second = self._process(), self._process()
        second.on_sleep = first.beat
        served_later: list[str] = []

        def meanwhile() -> None:
            if places[0] == places[1] and first.holds(RUN_LEASE):
                with pytest.raises(LeaseHeldError):
                    self._launches(places[1], second).run("refused", None, *overrides[1])
                return
            pushed = self._run_to_the_end(places[1], overrides[1], second)
            # Before its last step the first has ended, and only says so.
            if places[0] == places[1] and first.held(RUN_LEASE):
                served_later.append(pushed)

        first.pauses_before, first.meanwhile = step, meanwhile
        self._run_to_the_end(places[0], overrides[0], first, served_later)

    @rule(place=PLACES, overrides=st.tuples(OVERRIDES, OVERRIDES), step=STEPS)
    def run_while_one_is_paused(
        self, place: int, overrides: tuple[tuple[str, ...], tuple[str, ...]], step: int
    ) -> None:
        """A process that says nothing is taken for dead; when it goes on, it records nothing more."""
        first, second = self._process(), self._process()
        lost: list[bool] = []
        served: list[str] = []

        def meanwhile() -> None:
            lost.append(first.holds(RUN_LEASE))
            served.append(self._run_to_the_end(place, overrides[1], second))

        first.pauses_before, first.meanwhile = step, meanwhile
        run_id = self._new_run(place, first)
        launches = self._launches(place, first)
        try:
            launches.run(run_id, None, *overrides[0])
        except LeaseLostError:
            assert lost == [True]
            versions = Versions(self.folders[place] / "workspace" / "serving")
            assert versions.latest() == served[0]
            self.runs[place][run_id] = "lost"
        else:
            self.runs[place][run_id] = "complete"

    @rule(place=PLACES, run_id=st.sampled_from(["nightly", "weekly"]), overrides=OVERRIDES)
    def containers(self, place: int, run_id: str, overrides: tuple[str, ...]) -> None:
        """The containers of a run, one after another; what an earlier try has done is not done again."""
        self._containers(place, run_id, overrides, None)

    @rule(
        place=PLACES, run_id=st.sampled_from(["nightly", "weekly"]), overrides=OVERRIDES, step=STEPS
    )
    def containers_and_die(
        self, place: int, run_id: str, overrides: tuple[str, ...], step: int
    ) -> None:
        self._containers(place, run_id, overrides, step)

    @rule(
        place=PLACES,
        overrides=OVERRIDES,
        keep=st.integers(0, 1),
        spare=st.booleans(),
        step=st.none() | STEPS,
    )
    def run_and_gc(
        self,
        place: int,
        overrides: tuple[str, ...],
        keep: int,
        spare: bool,
        step: int | None,
    ) -> None:
        """What nothing needs goes, whenever gc dies: what is needed is whole, and what is not whole is not used."""
        self._run_to_the_end(place, overrides, self._process())
        process = self._process()
        process.dies_before = step
        needed = self._needed(place, keep, not spare)
        try:
            self._launches(place, process).gc(Policy(keep, None, not spare))
            collected = True
        except (Death, FailureError):
            # Beside containers that have not ended it does nothing.
            collected = False
        recorded = self._recorded(self._reader(place))
        there = {e.id for e in recorded if self._is_there(e)}
        assert needed <= there
        self.collected |= {e.id for e in recorded} - there
        if collected:
            assert not [*(self.folders[place] / "workspace").rglob(".collected-*")]

    @rule(place=PLACES, choice=st.integers(0, 1000))
    def damage(self, place: int, choice: int) -> None:
        """A file of a recorded output changes."""
        recorded = [
            execution
            for execution in self._recorded(self._reader(place))
            if execution.node != "Pusher" and execution.id not in self.collected
        ]
        if recorded:
            execution = recorded[choice % len(recorded)]
            artifact = sorted(execution.outputs.items())[0][1]
            (content_root(artifact) / "result").write_text("damaged")
            self.damaged.add(execution.id)

    @rule(place=PLACES)
    def move(self, place: int) -> None:
        """The whole project gets another path."""
        self.moves += 1
        self.folders[place] = self.folders[place].rename(self.base / f"moved-{self.moves}")

    # What always holds

    @invariant()
    def what_always_holds(self) -> None:
        """All of it at once: to open the store for each rule takes as long as to look."""
        for place in (0, 1):
            store = self._reader(place)
            recorded = self._recorded(store)
            self._what_is_recorded_is_true(place, recorded)
            self._each_record_was_written_by_who_held_the_lease(store, recorded)
            self._runs_are_in_their_workspace_and_say_how_they_ended(place, store)
            self._latest_names_a_recorded_version(place, store)

    def _what_is_recorded_is_true(self, place: int, recorded: list[StoredExecution]) -> None:
        lost = self.damaged | self.collected
        for execution in recorded:
            for artifact in execution.outputs.values():
                assert content_root(artifact).is_relative_to(self.folders[place])
                if execution.id not in lost and execution.node != "Pusher":
                    text = (content_root(artifact) / "result").read_text()
                    assert text == content_of(execution.node, execution.key)

    def _each_record_was_written_by_who_held_the_lease(
        self, store: StoreReader, recorded: list[StoredExecution]
    ) -> None:
        for execution in recorded:
            contexts = store._mlmd.get_contexts_by_execution(execution.id)
            leases = [context for context in contexts if context.type == LEASE]
            launched, renewed = sorted(
                leases, key=lambda context: int(context.name.rpartition("/")[2])
            )
            assert int(renewed.name.rpartition("/")[2]) == 1 + int(launched.name.rpartition("/")[2])
            for name in ("run", "host"):
                assert renewed.custom_properties[name] == launched.custom_properties[name]

    def _runs_are_in_their_workspace_and_say_how_they_ended(
        self, place: int, store: StoreReader
    ) -> None:
        for run in store.runs():
            state = run.properties["state"]
            wanted = {
                "complete": {"complete"},
                "dead": {"running", "abandoned", "complete", "failed"},
                "lost": {"running", "abandoned"},
            }[self.runs[place][run.run_id]]
            assert state in wanted, (run.run_id, state)
            # One that was paused before it was registered is, afterwards; who looks sees that it is over.
            if self.runs[place][run.run_id] == "lost" and state == "running":
                assert is_over(store, run)

    def _latest_names_a_recorded_version(self, place: int, store: StoreReader) -> None:
        latest = Versions(self.folders[place] / "workspace" / "serving").latest()
        if latest is not None:
            pushed = [
                artifact.properties.get("pushed_version")
                for artifact in store.artifacts("PushedModel")
            ]
            assert latest in pushed

    # Helpers

    def _process(self) -> Process:
        self.processes += 1
        return Process(self.processes, self.clock)

    def _launches(self, place: int, process: Process) -> MortalLaunches:
        return MortalLaunches(self.folders[place] / "pipeline.yaml", process)

    def _new_run(self, place: int, process: Process) -> str:
        run_id = f"run-{process.number}"
        self.runs[place][run_id] = "dead"
        return run_id

    def _reader(self, place: int) -> StoreReader:
        return StoreReader("gpt2", self.url, self.folders[place] / "workspace")

    def _recorded(self, store: StoreReader) -> list[StoredExecution]:
        return [execution for node in NODES for execution in store.history(node)]

    def _whole(self, place: int) -> set[tuple[str, str]]:
        """Node and key of what a run may reuse."""
        lost = self.damaged | self.collected
        recorded = self._recorded(self._reader(place))
        return {(e.node, e.key) for e in recorded if e.id not in lost}

    def _is_there(self, execution: StoredExecution) -> bool:
        return all(content_root(artifact).exists() for artifact in execution.outputs.values())

    def _needed(self, place: int, keep: int, purge: bool) -> set[int]:
        """The executions that a gc must leave: of the last complete runs, and behind what is pushed."""
        store = self._reader(place)
        complete = [run for run in store.runs() if run.properties["state"] == "complete"]
        outputs = [
            execution.outputs
            for run in complete[:keep]
            for execution in store.executions_of_run(run.run_id)
        ]
        if not purge:
            outputs += [{"": artifact} for artifact in store.artifacts("PushedModel")]
        behind = {e.id for each in outputs for e in executions_behind(store, each)}
        return behind - self.collected

    def _run_to_the_end(
        self,
        place: int,
        overrides: tuple[str, ...],
        process: Process,
        served_later: Sequence[str] | None = None,
    ) -> str:
        """A run that completes; returns the version that it serves.

        served_later: where others may work in the workspace meanwhile, what they have served after this run had ended.
        """
        whole = self._whole(place)
        run_id = self._new_run(place, process)
        launches = self._launches(place, process)
        result = launches.run(run_id, None, *overrides)
        self.runs[place][run_id] = "complete"
        store = self._reader(place)
        assert set(result.nodes) == set(NODES)
        keys = {execution.node: execution.key for execution in store.executions_of_run(run_id)}
        if served_later is None:
            for node, state in result.nodes.items():
                assert (state == "cached") == ((node, keys[node]) in whole), (node, state)
        versions = Versions(self.folders[place] / "workspace" / "serving")
        assert versions.latest() == [result.pushed, *(served_later or ())][-1]
        assert result.pushed is not None
        served = (versions.path(result.pushed) / "weights").read_text()
        assert served == content_of("Trainer", keys["Trainer"])
        assert not [
            run.run_id
            for run in store.runs()
            if run.properties["state"] == "running" and run.properties["launched_by"] == "run"
        ]
        return result.pushed

    def _containers(
        self, place: int, run_id: str, overrides: tuple[str, ...], step: int | None
    ) -> None:
        if self.damaged:
            return
        process = self._process()
        process.dies_before = step
        launches = self._launches(place, process)
        known = self._reader(place).run(run_id) is not None
        other = known and self.parameters[place][run_id] != overrides
        if not known:
            self.parameters[place][run_id] = overrides
            self.runs[place][run_id] = "dead"
        done = {e.node for e in self._reader(place).executions_of_run(run_id) if e.key}
        try:
            for node in NODES:
                launches.launched.clear()
                result = launches.node(run_id, node, *overrides)
                assert not (node in done and launches.launched)
                assert node in done or node in result.nodes
        except Death:
            return
        except InputError:
            assert other
        else:
            assert not other
            self.runs[place][run_id] = "complete"


def machine_on(new_store: Callable[[Path], str]) -> type[RunMachine]:
    class OnStore(RunMachine):
        pass

    OnStore.new_store = staticmethod(new_store)
    return OnStore


def explore(new_store: Callable[[Path], str], examples: int, steps: int, start: int = 0) -> None:
    """Histories of so many steps on stores of a kind; another start gives others."""
    run_state_machine_as_test(
        seed(start)(machine_on(new_store)),
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
            print_blob=False,
        ),
    )


def sqlite_of(base: Path) -> str:
    return f"sqlite:///{base / 'shared.sqlite'}"


def test_on_sqlite() -> None:
    explore(sqlite_of, examples=10, steps=8)


def test_on_postgresql(postgresql: str, postgresql_server: PostgreSQL) -> None:
    explore(lambda base: postgresql_server.new_database(), examples=2, steps=5)


@pytest.mark.long
@pytest.mark.parametrize("start", range(10))
def test_on_sqlite_at_length(start: int) -> None:
    explore(sqlite_of, 15, 15, start)


@pytest.mark.long
@pytest.mark.parametrize("start", range(5))
def test_on_postgresql_at_length(
    start: int, postgresql: str, postgresql_server: PostgreSQL
) -> None:
    explore(lambda base: postgresql_server.new_database(), 5, 10, start)


@pytest.mark.long
@pytest.mark.parametrize("start", range(5))
def test_on_mariadb_at_length(start: int, mariadb: str, mariadb_server: MariaDB) -> None:
    explore(lambda base: mariadb_server.new_database(), 5, 10, start)


@pytest.mark.long
def test_a_run_that_comes_when_another_has_ended_is_the_last_to_serve() -> None:
    """Before its last step a run has done everything; it only lets the workspace go."""
    machine = machine_on(sqlite_of)()
    machine.run(0, ())
    ended = machine._process()
    machine._run_to_the_end(0, (), ended)
    machine.run_beside((0, 0), ((), ("training.steps=9",)), ended.steps)
    machine.what_always_holds()
    machine.teardown()


def test_a_history_is_the_same_however_slow_the_machine_is(
    config_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.leases.HEARTBEAT_SECONDS", 0.001)
    calls: list[str] = []
    monkeypatch.setattr(Process, "step", lambda self: calls.append(threading.current_thread().name))
    MortalLaunches(config_file, Process(1, Clock())).run("run-1")
    assert set(calls) == {threading.main_thread().name}
