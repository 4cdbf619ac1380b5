"""Runs of processes that die or pause before a chosen step, on machines of their own, with a clock that costs no time.

A step is a write to the store, the work of a node, a move among the pushed versions, or a removal by gc or a purge. A
process that died does nothing more: neither what `finally` says nor the store reaches anything.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest.mock import patch

from pipeline.config import Config
from pipeline.config_reading import load_config
from pipeline.erasure import purge, requests
from pipeline.garbage import collector, removal
from pipeline.garbage.keeping import Policy
from pipeline.leases import Lease, Leases
from pipeline.nodes import node_table
from pipeline.process_identity import ProcessIdentity
from pipeline.runner import PipelineRun
from pipeline.store import Store
from pipeline.store.workspace_store import WorkspaceStore
from tests.pipeline.launches import Launches, Silence

NODES = [node.name for node in node_table(Config())]


class Death(BaseException):
    """The process was killed."""


class Clock:
    """A clock that goes on only when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Process:
    """A process: its steps are counted, and it dies or pauses before one of them."""

    def __init__(self, number: int, clock: Clock) -> None:
        self.number = number
        host = f"host-{number}"
        self.identity = ProcessIdentity(host, f"boot of {host}", 1, "1")
        self.clock = clock
        self.dies_before: int | None = None
        self.pauses_before: int | None = None
        self.meanwhile: Callable[[], None] = lambda: None
        self.on_sleep: Callable[[], None] = lambda: None
        self.dead = False
        self.holds_pointer = False
        self.leases: list[Lease] = []
        self.steps = 0

    def step(self) -> None:
        """Count a step; it is not done by a process that dies here."""
        self.live()
        self.steps += 1
        if self.steps == self.dies_before:
            self.dead = True
        self.live()
        # The kernel's lock on the pointer is held for a moment only, and by a process of this test for ever.
        if self.pauses_before and self.steps >= self.pauses_before and not self.holds_pointer:
            self.pauses_before = None
            self.meanwhile()

    def live(self) -> None:
        """Raise Death in a process that is dead."""
        if self.dead:
            raise Death

    def sleep(self, seconds: float) -> None:
        self.clock.now += seconds
        self.on_sleep()

    def beat(self) -> None:
        """One heartbeat of each lease that it holds."""
        for lease in self.leases:
            if not lease._ended.is_set():
                lease.beat()

    def holds(self, key: str) -> bool:
        """Whether it holds a lease."""
        return any(lease.key == key and not lease._ended.is_set() for lease in self.leases)

    def held(self, key: str) -> bool:
        """Whether it holds a lease, or has held it."""
        return any(lease.key == key for lease in self.leases)


class MortalConnection(WorkspaceStore):
    """A connection of a process, with nothing else changed."""

    def __init__(self, process: Process, *arguments: Any) -> None:
        self._process = process
        super().__init__(*arguments)

    def _call(self, method_name: str, request: Any, response: Any, extra: Any = None) -> None:
        self._process.live()
        if method_name.startswith("Put") and not method_name.endswith("Type"):
            self._process.step()
        super()._call(method_name, request, response, extra)


class SilentLease(Lease):
    """A lease that beats only when its process is told to: by the clock of the machine its steps would be others."""

    def _keep_beating(self) -> None:
        return


class RecordedLeases(Leases):
    """Leases of a process that knows what it holds."""

    def __init__(self, store: Store, run_id: str, process: Process) -> None:
        super().__init__(store, run_id, process.identity, process.clock, process.sleep)
        self._of = process

    def acquire(self, key: str, wait: bool, say: Callable[[str], None]) -> Lease:
        with patch("pipeline.leases.Lease", SilentLease):
            lease = super().acquire(key, wait, say)
        self._of.leases.append(lease)
        return lease


class MortalLaunches(Launches):
    """The runs of one process. What a node makes says of which node and key it is."""

    def __init__(self, config_file: Path, process: Process) -> None:
        super().__init__(config_file)
        self.process = process
        self.keys: dict[str, str] = {}
        self.edits = {name: lambda name=name: self._work(name) for name in NODES}  # type: ignore[misc]

    def new(self, run_id: str, *overrides: str) -> PipelineRun:
        process = self.process
        with patch("pipeline.runner.Store", self._store_of_process()):
            run = PipelineRun(
                load_config(self.config_file, overrides),
                run_id,
                Silence(),
                launch=self.launch,
                make_leases=lambda store, run_id: RecordedLeases(store, run_id, process),
            )
        self._watch_versions(run)
        return run

    def gc(self, policy: Policy) -> None:
        """A gc by the process, whose steps are also what it takes out of its place and what it removes."""
        with (
            patch.object(collector, "Store", self._store_of_process()),
            self._stepping(removal, "set_aside", "remove"),
        ):
            loaded = load_config(self.config_file, ())
            collector.collect(loaded, policy, lambda text: None, self._leases)

    def purge(self, *names: str) -> None:
        """A purge by the process, whose steps are also what it removes, leaves and writes anew."""
        with (
            patch.object(requests, "Store", self._store_of_process()),
            self._stepping(removal, "set_aside", "remove"),
            self._stepping(purge, "redact_index", "redact_facts", "_forget_files", "vacuum"),
        ):
            loaded = load_config(self.config_file, ())
            requests.erase(loaded, names, lambda text: None, self._leases, purges=True)

    def _leases(self, store: Store, run_id: str) -> Leases:
        return RecordedLeases(store, run_id, self.process)

    @contextmanager
    def _stepping(self, module: ModuleType, *names: str) -> Iterator[None]:
        """Each call of these functions of a module is a step."""

        def stepped(do: Callable[..., Any]) -> Callable[..., Any]:
            def of(*arguments: Any) -> Any:
                self.process.step()
                return do(*arguments)

            return of

        with ExitStack() as stack:
            for name in names:
                stack.enter_context(patch.object(module, name, stepped(getattr(module, name))))
            yield

    def _store_of_process(self) -> type[Store]:
        process = self.process

        class ProcessStore(Store):
            def connect(self) -> WorkspaceStore:
                return MortalConnection(process, self.connection, self._workspace)

        return ProcessStore

    def _watch_versions(self, run: PipelineRun) -> None:
        versions, process = run.world.versions, self.process
        held = versions.held

        @contextmanager
        def watched() -> Iterator[None]:
            with held():
                process.holds_pointer = True
                try:
                    yield
                finally:
                    process.holds_pointer = False

        versions.held = watched  # type: ignore[method-assign]
        for name in ("publish", "set_latest", "discard"):
            setattr(versions, name, _after_step(process, getattr(versions, name)))

    def _work(self, node: str) -> None:
        self.process.step()
        self.keys[node] = self.requests[node].key
        self.results[node] = content_of(node, self.keys[node])


def content_of(node: str, key: str) -> str:
    """What a node makes under a key."""
    return f"{node} of {key}"


def _after_step(process: Process, do: Callable[[str], None]) -> Callable[[str], None]:
    def stepped(version: str) -> None:
        process.step()
        do(version)

    return stepped
