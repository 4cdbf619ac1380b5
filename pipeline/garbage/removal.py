"""Removing items of a workspace, for gc and for a purge.

What goes is taken out of its place first, each in one step; then the store is told; then it is removed. A process that
dies in between leaves no half of anything in a place where it could be taken for whole, and the next one goes on.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from pipeline.garbage.files import freed_bytes, original_path, remove, set_aside
from pipeline.garbage.picture import Item
from pipeline.leases import GC_LEASE, RUN_LEASE, Lease, Leases
from pipeline.run_record import close_dead_runs
from pipeline.store import Properties, Store, StoredArtifact
from preprocessing.base.errors import FailureError

Record = Callable[[Sequence[StoredArtifact], Properties], None]


@contextmanager
def only_process(store: Store, leases: Leases, say: Callable[[str], None]) -> Iterator[Lease]:
    """Work on the workspace alone, with what dead runs left ended. Raises FailureError beside a run.

    say: is told what is waited for.
    """
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
        for run in store.runs_of_all_pipelines():
            if run.properties["state"] == "running":
                raise FailureError(
                    f"run {run.run_id} of containers is not over, and may use again whatever is here. "
                    f"Do `{leases.command}` when it has ended; `gpt2-tfx status` shows when."
                )
        yield lease


@dataclass(frozen=True)
class Remover:
    """Removes items. record: tells the store, with the artifacts among them. command: what removes, for messages."""

    store: Store
    workspace: Path
    lease: Lease
    record: Record
    command: str

    def remove(self, items: Sequence[Item]) -> int:
        """Remove items; returns the bytes that this frees. Raises FailureError for what cannot be removed."""
        aside: list[Item] = []
        try:
            for item in items:
                self.lease.check()
                aside.append(self._aside(item))
        finally:
            if aside:
                self._record(aside)
        return sum(self._removed(self.workspace / item.path) for item in aside)

    def _aside(self, item: Item) -> Item:
        """The item where it is when it has been taken out of its place."""
        if original_path(item.path) != item.path:
            return item
        try:
            path = set_aside(self.workspace / item.path)
        except OSError as error:
            raise self._failed(self.workspace / item.path, error) from error
        return replace(item, path=path.relative_to(self.workspace).as_posix())

    def _record(self, aside: Sequence[Item]) -> None:
        """Tell the store what was taken out: artifacts that are not known to be removed yet, kinds, and bytes."""
        counts = Counter(item.kind for item in aside)
        places = [original_path(item.path) for item in aside]
        artifacts = self.store.artifacts_at(
            self.workspace / place for place in places if place.startswith("artifacts/")
        )
        before = self.store.removals([artifact.id for artifact in artifacts])
        self.record(
            [artifact for artifact in artifacts if artifact.id not in before],
            {"bytes": sum(freed_bytes(aside)), "items": json.dumps(dict(sorted(counts.items())))},
        )

    def _removed(self, path: Path) -> int:
        try:
            return remove(path)
        except OSError as error:
            raise self._failed(path, error) from error

    def _failed(self, path: Path, error: OSError) -> FailureError:
        return FailureError(
            f"{path}: cannot be removed: {error.strerror}. Make it removable and do `{self.command}` again; "
            "what was removed before stays removed."
        )
