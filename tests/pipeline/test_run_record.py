"""What is registered of a run, and how one that died is told from one that lives."""

import time
from pathlib import Path

import pytest
from ml_metadata.proto import metadata_store_pb2 as pb

from pipeline.code_snapshot import read_snapshot
from pipeline.config_reading import load_config
from pipeline.leases import RUN_LEASE, Lease, LeaseLostError, Leases
from pipeline.process_identity import ProcessIdentity, this_process
from pipeline.run_record import (
    CONTAINERS,
    LOCAL_RUN,
    abandon_dead_runs,
    check_run_id,
    is_over,
    note_lease,
    register_run,
)
from pipeline.store import Store
from preprocessing.base.errors import InputError
from tests.pipeline.tfx_records import TfxRecords, complete

CODE = read_snapshot()
ELSEWHERE = ProcessIdentity("pod", "another boot", 1, "1")
DEAD = ProcessIdentity(this_process().host, this_process().boot, this_process().pid, "0")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store("gpt2", None, tmp_path / "workspace")


def lease_of(
    store: Store, run_id: str, process: ProcessIdentity | None = None, key: str = RUN_LEASE
) -> Lease:
    return Leases(store, run_id, process).acquire(key, wait=False, say=lambda text: None)


def local_run(store: Store, config: Path, run_id: str, process: ProcessIdentity) -> Lease:
    lease = lease_of(store, run_id, process)
    register_run(store, load_config(config, ()), run_id, LOCAL_RUN, ["CorpusGen"], lease, CODE)
    return lease


def container_run(
    store: Store, config: Path, run_id: str, process: ProcessIdentity | None = None
) -> Lease | None:
    register_run(store, load_config(config, ()), run_id, CONTAINERS, ["CorpusGen"], None, CODE)
    if process is None:
        return None
    lease = lease_of(store, run_id, process, f"node/CorpusGen/{run_id}")
    note_lease(store, run_id, "CorpusGen", lease)
    return lease


def over(store: Store, run_id: str) -> bool:
    run = store.run(run_id)
    assert run is not None
    return is_over(store, run)


class TestIds:
    @pytest.mark.parametrize("run_id", ["nightly", "20261126T101500-ab12cd", "a.b_c-1", "x" * 100])
    def test_may_be(self, run_id: str) -> None:
        check_run_id(run_id)

    @pytest.mark.parametrize("run_id", ["../x", "a/b", "", ".hidden", "a b", "x" * 101, "a\n"])
    def test_may_not_be(self, run_id: str) -> None:
        with pytest.raises(InputError, match="not an id"):
            check_run_id(run_id)

    def test_of_another_run_is_refused_with_what_differs(
        self, store: Store, config_file: Path
    ) -> None:
        register_run(store, load_config(config_file, ()), "nightly", CONTAINERS, ["A"], None, CODE)
        register_run(store, load_config(config_file, ()), "nightly", CONTAINERS, ["A"], None, CODE)
        with pytest.raises(InputError, match=r"nightly: .*another \(seed: 1 -> 2\).*of its own"):
            register_run(
                store,
                load_config(config_file, ("seed=2",)),
                "nightly",
                CONTAINERS,
                ["A"],
                None,
                CODE,
            )

    def test_no_place_of_this_machine_is_recorded(self, store: Store, config_file: Path) -> None:
        overrides = ("store=postgresql://somebody@db/x", "workspace=/somewhere")
        register_run(store, load_config(config_file, overrides), "r", CONTAINERS, ["A"], None, CODE)
        run = store.run("r")
        assert run is not None
        assert "somebody" not in str(run.properties)
        assert "/somewhere" not in str(run.properties)


class TestALocalRun:
    def test_lives_while_its_process_does(self, store: Store, config_file: Path) -> None:
        local_run(store, config_file, "r", this_process())
        assert not over(store, "r")

    def test_is_over_when_its_process_died(self, store: Store, config_file: Path) -> None:
        local_run(store, config_file, "r", DEAD)
        assert over(store, "r")

    def test_is_over_when_another_has_its_lease(self, store: Store, config_file: Path) -> None:
        local_run(store, config_file, "r", DEAD)
        lease_of(store, "next")
        assert over(store, "r")

    def test_on_another_machine_is_over_after_a_long_silence(
        self, store: Store, config_file: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        local_run(store, config_file, "r", ELSEWHERE)
        assert not over(store, "r")
        later = time.time() + 3600
        monkeypatch.setattr("pipeline.run_record.time.time", lambda: later)
        assert over(store, "r")


class TestARunOfContainers:
    def test_is_not_over_between_two_of_them(self, store: Store, config_file: Path) -> None:
        lease = container_run(store, config_file, "r", ELSEWHERE)
        assert lease is not None
        assert not over(store, "r")
        lease.release()
        assert not over(store, "r")

    def test_is_over_when_one_was_killed(self, store: Store, config_file: Path) -> None:
        container_run(store, config_file, "r", DEAD)
        assert over(store, "r")

    def test_does_not_run_for_ever_when_none_comes(
        self, store: Store, config_file: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        lease = container_run(store, config_file, "r", ELSEWHERE)
        assert lease is not None
        lease.release()
        container_run(store, config_file, "none ever came".replace(" ", "-"))
        later = time.time() + 2 * 24 * 3600
        monkeypatch.setattr("pipeline.run_record.time.time", lambda: later)
        assert over(store, "r")
        assert over(store, "none-ever-came")

    def test_that_was_abandoned_goes_on_with_the_next_container(
        self, store: Store, config_file: Path, tmp_path: Path
    ) -> None:
        container_run(store, config_file, "r", DEAD)
        assert abandon_dead_runs(Leases(store, "another"), tmp_path) == ["r"]
        container_run(store, config_file, "r")
        run = store.run("r")
        assert run is not None
        assert run.properties["state"] == "running"


class TestAbandoning:
    def test_a_dead_run_and_what_it_left_unfinished_are_closed(
        self, store: Store, config_file: Path, tmp_path: Path
    ) -> None:
        local_run(store, config_file, "r", DEAD)
        records = TfxRecords(store)
        outputs = {"examples": ("Examples", "artifacts/x")}
        done, _ = complete(store, "CorpusGen", "k1", "r", outputs)
        dead = records.start("Tokenizer", "r", "k2")
        workspace = tmp_path / "workspace"
        leftover = workspace / "artifacts" / "Tokenizer" / "tokens" / str(dead)
        kept = workspace / "artifacts" / "CorpusGen" / "examples" / str(done)
        for folder in (leftover, kept):
            folder.mkdir(parents=True)
            (folder / "half").write_text("x")
        assert abandon_dead_runs(Leases(store, "mine"), workspace) == ["r"]
        assert {e.id: e.state for e in store.executions_of_run("r")} == {
            done: "COMPLETE",
            dead: "ABANDONED",
        }
        (raw,) = records.mlmd.get_executions_by_id([dead])
        assert raw.last_known_state == pb.Execution.CANCELED
        assert not leftover.exists()
        assert (kept / "half").exists()
        run = store.run("r")
        assert run is not None
        assert run.properties["state"] == "abandoned"
        assert abandon_dead_runs(Leases(store, "mine"), workspace) == []

    def test_one_that_was_only_paused_records_nothing_afterwards(
        self, store: Store, config_file: Path, tmp_path: Path
    ) -> None:
        local_run(store, config_file, "r", DEAD)
        lease = lease_of(store, "r", DEAD, "node/Trainer/k")
        records = TfxRecords(store)
        execution = records.start("Trainer", "r", "k", None, (lease.key, lease.generation))
        records.publish(execution, {"model": ("Model", "artifacts/m")})
        assert abandon_dead_runs(Leases(store, "mine"), tmp_path) == ["r"]
        with pytest.raises(LeaseLostError):
            lease.renew(
                lambda following: store.record_success(execution, {"node_key": "k"}, {}, following)
            )
        assert store.execution(execution).state == "ABANDONED"
        assert next(store.under_key("Trainer", "k"), None) is None

    def test_leaves_the_living_the_ended_and_ones_own_alone(
        self, store: Store, config_file: Path, tmp_path: Path
    ) -> None:
        local_run(store, config_file, "ended", DEAD)
        store.update_run("ended", {"state": "complete"})
        container_run(store, config_file, "alive", this_process())
        container_run(store, config_file, "waiting")
        container_run(store, config_file, "mine", DEAD)
        assert abandon_dead_runs(Leases(store, "mine"), tmp_path) == []

    def test_leaves_runs_of_other_workspaces_alone(
        self, store: Store, config_file: Path, tmp_path: Path
    ) -> None:
        local_run(store, config_file, "r", DEAD)
        url = f"sqlite:///{tmp_path / 'workspace' / 'metadata.sqlite'}"
        other = Store("gpt2", url, tmp_path / "other")
        assert abandon_dead_runs(Leases(other, "mine"), tmp_path / "other") == []
