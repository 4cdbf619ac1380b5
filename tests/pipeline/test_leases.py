"""Leases: one owner at a time, also when owners die, pause, or are on other machines."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pipeline.leases import (
    EXPIRY_SECONDS,
    Lease,
    LeaseHeldError,
    LeaseLostError,
    Leases,
    node_lease,
)
from pipeline.process_identity import ProcessIdentity, this_process
from pipeline.store import Store, StoredLease
from tests.pipeline.tables import node as node_of
from tests.pipeline.tfx_records import TfxRecords

HOLDER = (
    "import sys, time; from pathlib import Path\n"
    "from pipeline.leases import Leases\n"
    "from pipeline.store import Store\n"
    "leases = Leases(Store('gpt2', None, Path(sys.argv[1])), 'run-of-another')\n"
    "with leases.acquire('run', wait=False, say=print):\n"
    "    print('held', flush=True)\n"
    "    time.sleep(60)\n"
)


class Clock:
    """A clock that goes on only when somebody sleeps; `meanwhile` is called at each sleep."""

    def __init__(self) -> None:
        self.now = 0.0
        self.meanwhile: Callable[[], None] = lambda: None

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.meanwhile()


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store("gpt2", None, tmp_path)


@pytest.fixture
def clock() -> Clock:
    return Clock()


def of_machine(host: str, store: Store, clock: Clock, run_id: str = "") -> Leases:
    """Leases of process 1 in a container of its own."""
    process = ProcessIdentity(host, f"boot of {host}", 1, "1")
    return Leases(store, run_id or f"run-on-{host}", process, clock, clock.sleep)


def take(leases: Leases, key: str = "run") -> Lease:
    return leases.acquire(key, wait=False, say=lambda text: None)


@contextmanager
def held_by_another(root: Path, workspace: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", HOLDER, str(workspace)]
    with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        try:
            yield process
        finally:
            process.kill()


class TestOnOneMachine:
    def test_a_second_is_refused_and_told_who_holds_it(
        self, root: Path, store: Store, tmp_path: Path
    ) -> None:
        with held_by_another(root, tmp_path) as other, pytest.raises(LeaseHeldError) as caught:
            take(Leases(store, "mine"))
        message = str(caught.value)
        assert f"process {other.pid} on {this_process().host} since 20" in message
        assert "`gpt2-tfx run`, run run-of-another" in message
        assert "Wait until it ends, or end it." in message

    def test_it_is_free_at_once_after_its_owner_was_killed(
        self, root: Path, store: Store, tmp_path: Path
    ) -> None:
        with held_by_another(root, tmp_path) as other:
            os.kill(other.pid, signal.SIGKILL)
            other.wait()
            assert take(Leases(store, "mine")).generation == 2

    def test_it_is_free_after_its_owner_left_also_by_an_error(self, store: Store) -> None:
        with pytest.raises(ZeroDivisionError), take(Leases(store, "one")):
            raise ZeroDivisionError
        with take(Leases(store, "two")) as lease:
            assert lease.generation == 2

    def test_a_process_of_the_same_number_that_started_later_is_another(self, store: Store) -> None:
        earlier = this_process()
        earlier = ProcessIdentity(earlier.host, earlier.boot, earlier.pid, "0")
        take(Leases(store, "dead", earlier))
        assert take(Leases(store, "mine")).generation == 2

    def test_many_generations_are_found(self, store: Store) -> None:
        for generation in range(1, 20):
            lease = take(Leases(store, "run"))
            assert lease.generation == generation
            lease.release()


class TestOnSeveralMachines:
    def test_one_whose_heart_beats_is_held(self, store: Store, clock: Clock) -> None:
        lease = take(of_machine("a", store, clock))
        clock.meanwhile = lease.beat
        with pytest.raises(LeaseHeldError, match="process 1 on a "):
            take(of_machine("b", store, clock))
        assert clock.now < EXPIRY_SECONDS

    def test_one_that_is_silent_is_taken_over_when_the_observer_has_waited(
        self, store: Store, clock: Clock
    ) -> None:
        take(of_machine("a", store, clock))
        said: list[str] = []
        lease = of_machine("b", store, clock).acquire("run", wait=False, say=said.append)
        assert lease.generation == 2
        assert EXPIRY_SECONDS <= clock.now < 2 * EXPIRY_SECONDS
        assert len(said) == 1

    def test_one_that_was_silent_because_the_store_was_away_is_held(
        self, store: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        lease = take(of_machine("a", store, clock))
        newest_lease = store.newest_lease

        def away(key: str) -> StoredLease | None:
            if 30 < clock.now < 60:
                clock.now += 55
            return newest_lease(key)

        def meanwhile() -> None:
            if clock.now > 95:
                lease.beat()

        monkeypatch.setattr(store, "newest_lease", away)
        clock.meanwhile = meanwhile
        with pytest.raises(LeaseHeldError):
            take(of_machine("b", store, clock))

    def test_what_the_owners_clock_says_does_not_count(
        self, store: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("time.time", lambda: 1.0)
        lease = take(of_machine("a", store, clock))
        monkeypatch.undo()
        clock.meanwhile = lease.beat
        with pytest.raises(LeaseHeldError):
            take(of_machine("b", store, clock))

    def test_who_waits_gets_it_when_it_is_released(self, store: Store, clock: Clock) -> None:
        lease = take(of_machine("a", store, clock))
        clock.meanwhile = lambda: lease.release() if clock.now > 200 else lease.beat()
        waited = of_machine("b", store, clock).acquire("run", wait=True, say=lambda text: None)
        assert waited.generation == 2
        assert clock.now > 200

    def test_who_only_waits_takes_nothing(self, store: Store, clock: Clock) -> None:
        owner = take(of_machine("a", store, clock), "gc")
        told: list[str] = []
        clock.meanwhile = owner.release
        of_machine("b", store, clock).wait_for("gc", told.append)
        assert [text.partition(" is held")[0] for text in told] == ["waiting: the workspace"]
        newest = store.newest_lease("gc")
        assert newest is not None
        assert (newest.generation, newest.run_id) == (1, "run-on-a")
        of_machine("b", store, clock).wait_for("never taken", told.append)
        assert len(told) == 1

    def test_of_two_that_wait_for_a_dead_one_only_one_gets_it(
        self, store: Store, clock: Clock
    ) -> None:
        take(of_machine("dead", store, clock))
        others: list[Lease] = []

        def meanwhile() -> None:
            if clock.now > EXPIRY_SECONDS and not others:
                taken = store.take_lease("run", 2, of_machine("c", store, clock).owner())
                assert taken is not None
                others.append(Lease(of_machine("c", store, clock), taken))
            for other in others:
                other.beat()

        clock.meanwhile = meanwhile
        clock.now = 0.5
        with pytest.raises(LeaseHeldError, match="on c "):
            take(of_machine("b", store, clock))


class TestAPausedOwner:
    def test_records_nothing_after_another_took_over(self, store: Store, clock: Clock) -> None:
        store.start_run("run", {"pipeline": "gpt2"})
        paused = take(of_machine("a", store, clock), "node/Trainer/k")
        records = TfxRecords(store)
        execution = records.start("Trainer", "run", "k")
        artifacts = records.publish(execution, {"model": ("Model", "artifacts/m")})
        second = take(of_machine("b", store, clock), "node/Trainer/k")

        def record(lease: Lease) -> None:
            outputs = {artifacts["model"]: {"digest": "d"}}
            properties = {"node": "Trainer", "node_key": "k"}
            lease.renew(
                lambda following: store.record_success(execution, properties, outputs, following)
            )

        with pytest.raises(LeaseLostError, match="process 1 on b "):
            record(paused)
        assert store.execution(execution).key == ""
        assert store.execution(execution).outputs["model"].digest == ""
        record(second)
        assert store.execution(execution).key == "k"
        assert store.execution(execution).outputs["model"].digest == "d"

    def test_finds_out_with_its_next_heartbeat(self, store: Store, clock: Clock) -> None:
        paused = take(of_machine("a", store, clock))
        paused.check_beats()
        take(of_machine("b", store, clock))
        with pytest.raises(LeaseLostError):
            paused.check()
        paused.beat()
        with pytest.raises(LeaseLostError):
            paused.check_beats()

    def test_does_not_release_what_is_anothers(self, store: Store, clock: Clock) -> None:
        paused = take(of_machine("a", store, clock))
        second = take(of_machine("b", store, clock))
        paused.release()
        clock.meanwhile = second.beat
        with pytest.raises(LeaseHeldError, match="on b "):
            take(of_machine("c", store, clock))

    def test_an_owner_that_renews_keeps_it(self, store: Store, clock: Clock) -> None:
        lease = take(of_machine("a", store, clock))
        lease.renew(
            lambda following: (
                store.take_lease(following.key, following.generation, following.properties)
                is not None
            )
        )
        lease.beat()
        lease.check()
        lease.release()
        assert take(of_machine("b", store, clock)).generation == 3


class TestWhatIsExclusive:
    def test_a_node_under_its_key_and_pushing_whatever_the_key(self) -> None:
        trainer, pusher = node_of("Trainer"), node_of("Pusher")
        assert node_lease(trainer, "k1") != node_lease(trainer, "k2")
        assert node_lease(pusher, "k1") == node_lease(pusher, "k2")


def test_looking_takes_nothing(store: Store, clock: Clock) -> None:
    take(of_machine("a", store, clock))
    before = store.newest_lease("run")
    for _ in range(3):
        store.newest_lease("run")
    assert store.newest_lease("run") == before
