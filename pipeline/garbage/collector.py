"""gc itself: look what is not needed, and remove it.

What goes is taken out of its place first, each in one step; then the store is told; then it is removed. A process that
dies in between leaves no half of anything in a place where it could be taken for whole, and the next gc goes on.
"""

import json
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from pipeline.config import LoadedConfig
from pipeline.failure import FailureError
from pipeline.garbage.files import freed_bytes, original_path, remove, set_aside
from pipeline.garbage.keeping import Decision, Policy, decide
from pipeline.garbage.picture import Item
from pipeline.garbage.store_history import StoreHistory
from pipeline.garbage.survey import survey
from pipeline.leases import GC_LEASE, RUN_LEASE, Lease, Leases
from pipeline.manifests import Manifests
from pipeline.run_record import close_dead_runs, new_run_id
from pipeline.store import Store, StoreReader
from preprocessing.base.errors import InputError
from preprocessing.base.job_cache import JobCache

COMMAND = "gpt2-tfx gc"


@dataclass(frozen=True)
class Collection:
    """What gc has removed. freed: bytes."""

    decision: Decision
    freed: int


def look(loaded: LoadedConfig, policy: Policy) -> Decision:
    """What gc would remove now; nothing is written."""
    store = StoreReader(loaded.config.name, loaded.config.store, loaded.workspace)
    store.require_current_layout()
    return _decision(store, loaded.workspace, policy)


def collect(
    loaded: LoadedConfig,
    policy: Policy,
    say: Callable[[str], None],
    make_leases: Callable[[Store, str], Leases] = Leases,
) -> Collection:
    """Remove what is not needed. Raises FailureError beside a run, and where something cannot be removed.

    say: is told what is waited for.
    """
    if not loaded.workspace.is_dir():
        return Collection(Decision({}, {}, ()), 0)
    store = Store(loaded.config.name, loaded.config.store, loaded.workspace)
    leases = make_leases(store, f"gc-{new_run_id()}")
    leases.command = COMMAND
    with (
        leases.acquire(RUN_LEASE, wait=False, say=say) as lease,
        leases.acquire(GC_LEASE, wait=False, say=say),
    ):
        # What they left is removed with all else, and counted.
        close_dead_runs(
            leases,
            store.runs_of_all_pipelines(),
            lambda execution: store.close_execution(execution.id, abandoned=True),
        )
        _refuse_beside_containers(store)
        decision = _decision(store, loaded.workspace, policy)
        return Collection(decision, _remove(store, loaded.workspace, decision.removed, lease))


def _refuse_beside_containers(store: Store) -> None:
    for run in store.runs_of_all_pipelines():
        if run.properties["state"] == "running":
            raise FailureError(
                f"run {run.run_id} of containers is not over, and may use again whatever is here. "
                "Do `gpt2-tfx gc` when it has ended; `gpt2-tfx status` shows when."
            )


def _decision(store: StoreReader, workspace: Path, policy: Policy) -> Decision:
    with closing(JobCache(workspace).open_digests(writes=False)) as digests:
        history = StoreHistory(store, workspace, Manifests(workspace / "manifests", digests))
        items = survey(workspace)
        if not history.runs() and any(item.kind == "artifact" for item in items):
            raise InputError(
                f"{workspace}: the metadata store knows no run of this workspace, and it holds artifacts. Name the "
                "store that knows them (`store` in the configuration); where it is lost, remove `artifacts` by hand."
            )
        return decide(items, history, policy, time.time())


def _remove(store: Store, workspace: Path, items: Sequence[Item], lease: Lease) -> int:
    aside: list[Item] = []
    try:
        for item in items:
            lease.check()
            aside.append(_aside(workspace, item))
    finally:
        if aside:
            _record(store, workspace, aside)
    return sum(_removed(workspace / item.path) for item in aside)


def _aside(workspace: Path, item: Item) -> Item:
    """The item where it is when it has been taken out of its place."""
    if original_path(item.path) != item.path:
        return item
    try:
        path = set_aside(workspace / item.path)
    except OSError as error:
        raise _failed(workspace / item.path, error) from error
    return replace(item, path=path.relative_to(workspace).as_posix())


def _record(store: Store, workspace: Path, aside: Sequence[Item]) -> None:
    """Tell the store what was taken out: artifacts that are not known to be collected yet, kinds, and bytes."""
    counts = Counter(item.kind for item in aside)
    places = [original_path(item.path) for item in aside]
    artifacts = store.artifacts_at(
        workspace / place for place in places if place.startswith("artifacts/")
    )
    before = store.collected([artifact.id for artifact in artifacts])
    store.record_collection(
        [artifact for artifact in artifacts if artifact.id not in before],
        {"bytes": sum(freed_bytes(aside)), "items": json.dumps(dict(sorted(counts.items())))},
    )


def _removed(path: Path) -> int:
    try:
        return remove(path)
    except OSError as error:
        raise _failed(path, error) from error


def _failed(path: Path, error: OSError) -> FailureError:
    return FailureError(
        f"{path}: cannot be removed: {error.strerror}. Make it removable and do `gpt2-tfx gc` again; "
        "what was removed before stays removed."
    )
