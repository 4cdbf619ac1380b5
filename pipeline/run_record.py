"""What the store is told about a run, and whether a run that is registered as running still lives."""

import json
import re
import time
import uuid
from collections.abc import Callable, Iterable
from pathlib import Path

from pipeline.code_snapshot import CodeSnapshot
from pipeline.config import LoadedConfig
from pipeline.leases import RUN_LEASE, Lease, Leases
from pipeline.process_identity import ProcessIdentity, this_process
from pipeline.recording import clear_execution
from pipeline.store import Store, StoredExecution, StoredLease, StoredRun, StoreReader
from preprocessing.base.errors import InputError

# How a run was launched: by one `gpt2-tfx run`, which holds a lease all the time, or by an orchestrator's containers,
# each of which holds one while it works.
LOCAL_RUN, CONTAINERS = "run", "containers"
# The property of a run that names the node whose failure ended it.
FAILED_NODE = "failed_node"
# Where a store is, where its files lie and who is told of a run decide nothing, and may name a machine or a person.
_NOT_RECORDED = ("store", "workspace", "notify.command", "notify.webhook")
_LEASE = "lease:"
# Those that look back for dead runs look at so many, newest first.
_LAST_RUNS = 50
# An owner on another machine is taken for dead by one who only looks when it has been silent for so long, by the
# clocks of both; and a run of containers when none of them has worked for so long.
_SILENT_SECONDS = 600.0
_IDLE_SECONDS = 24 * 3600.0


def new_run_id() -> str:
    """The id of a local run: its time, and letters that no other has."""
    return f"{time.strftime('%Y%m%dT%H%M%S')}-{uuid.uuid4().hex[:6]}"


def check_run_id(run_id: str) -> None:
    """Raise InputError for what is no id: ids name folders of logs."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", run_id):
        raise InputError(
            f"--run-id {run_id!r}: not an id; use up to 100 letters, digits, `.`, `_` and `-`, "
            "beginning with a letter or digit."
        )


def register_run(
    store: Store,
    loaded: LoadedConfig,
    run_id: str,
    launched_by: str,
    nodes: Iterable[str],
    lease: Lease | None,
    code: CodeSnapshot,
) -> None:
    """Register a run, or join one of this id that has the same parameters. Raises InputError for another's id.

    lease: what a local run holds.
    """
    parameters = {k: v for k, v in loaded.flat().items() if k not in _NOT_RECORDED}
    leases = {} if lease is None else {f"{_LEASE}{RUN_LEASE}": lease.key}
    run = store.start_run(
        run_id,
        {
            "pipeline": loaded.config.name,
            "launched_by": launched_by,
            "parameters": json.dumps(parameters, sort_keys=True),
            "nodes": ",".join(nodes),
            **code.properties(),
            **leases,
        },
    )
    before = json.loads(str(run.properties["parameters"]))
    changed = [name for name in parameters if before.get(name) != parameters[name]]
    if changed or run.properties["launched_by"] != launched_by:
        shown = [f"{name}: {before.get(name)!r} -> {parameters[name]!r}" for name in changed[:4]]
        how = "; ".join(shown) or "it was launched in another way"
        raise InputError(
            f"--run-id {run_id}: there is a run of this id already, and it is another ({how}). "
            "Give each run an id of its own."
        )
    if run.properties["state"] in ("failed", "abandoned"):
        store.update_run(run_id, {"state": "running"})


def note_lease(store: Store, run_id: str, node: str, lease: Lease) -> None:
    """Register the lease by which others see that a node of a run lives."""
    store.update_run(run_id, {f"{_LEASE}{node}": lease.key})


def is_over(store: StoreReader, run: StoredRun) -> bool:
    """Whether a run that is registered as running has no living process, as far as one who looks can see."""
    now, here = time.time(), this_process()
    keys = [str(value) for name, value in run.properties.items() if name.startswith(_LEASE)]
    newest = [lease for key in keys if (lease := store.newest_lease(key)) is not None]
    ours = [lease for lease in newest if lease.run_id == run.run_id]
    if any(not lease.released and _seems_alive(lease, here, now) for lease in ours):
        return False
    if run.properties["launched_by"] == LOCAL_RUN:
        return True
    # A container that was killed left its lease behind; between two containers there is none.
    last = max((lease.heartbeat for lease in ours), default=float(run.properties["started"]))
    return any(not lease.released for lease in ours) or now - last > _IDLE_SECONDS


def _seems_alive(lease: StoredLease, here: ProcessIdentity, now: float) -> bool:
    alive = ProcessIdentity.of_properties(lease.properties).is_alive(here)
    return now - lease.heartbeat < _SILENT_SECONDS if alive is None else alive


def abandon_dead_runs(leases: Leases, workspace: Path) -> list[str]:
    """Close the last runs that are over, as `close_dead_runs`, and remove what they left; returns their ids."""
    store = leases.store
    return close_dead_runs(
        leases,
        store.runs(_LAST_RUNS),
        lambda execution: clear_execution(store, workspace, execution, abandoned=True),
    )


def close_dead_runs(
    leases: Leases, runs: Iterable[StoredRun], end: Callable[[StoredExecution], None]
) -> list[str]:
    """Close those runs that are registered as running and are over, except the caller's own; returns their ids.

    end: ends an execution that such a run has not finished.
    """
    store = leases.store
    dead = [
        run
        for run in runs
        if run.run_id != leases.run_id and run.properties["state"] == "running"
        if is_over(store, run)
    ]
    for run in dead:
        for execution in store.unfinished(run.run_id):
            lease = store.lease_of(execution.id)
            # Its process may only have been paused: what it still does must not be recorded on what is cleared here.
            if lease is None or leases.fence(lease):
                end(execution)
        store.update_run(run.run_id, {"state": "abandoned", "finished": time.time()})
    return [run.run_id for run in dead]
