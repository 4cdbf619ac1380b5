"""gc itself: look what is not needed, and remove it."""

import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from pipeline.config import LoadedConfig
from pipeline.garbage.keeping import Decision, Policy, decide
from pipeline.garbage.removal import Remover, only_process
from pipeline.garbage.store_history import StoreHistory
from pipeline.garbage.survey import survey
from pipeline.leases import Leases
from pipeline.manifests import Manifests
from pipeline.run_record import new_run_id
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
    with only_process(store, leases, say) as lease:
        decision = _decision(store, loaded.workspace, policy)
        remover = Remover(store, loaded.workspace, lease, store.record_collection, COMMAND)
        return Collection(decision, remover.remove(decision.removed))


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
