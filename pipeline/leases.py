"""Leases in the metadata store: who may do what no two may do at once, also from several machines.

ML Metadata has no compare-and-swap, but the name of a context is unique. A lease is taken by making the context
`lease/<key>/<generation>`; to take over one whose owner is dead, or one that was released, is to make the next
generation, which only one can. An owner that was paused meets that generation when it records, in one transaction with
the record, and so publishes nothing.
"""

import threading
import time
from collections.abc import Callable
from types import TracebackType

from pipeline.nodes import Node
from pipeline.process_identity import ProcessIdentity, this_process
from pipeline.store import Store, StoredLease
from pipeline.store.records import Properties
from preprocessing.base.errors import FailureError

HEARTBEAT_SECONDS = 10.0
# An owner on another machine is dead when its heartbeat has not changed for so long, by the observer's own clock.
EXPIRY_SECONDS = 60.0
_POLL_SECONDS = 1.0

# What `run` holds: there is one in a workspace. What is held while a version is staged, recorded and published. What gc
# holds beside that of a run, for containers, which hold none of the workspace.
RUN_LEASE, SERVING_LEASE, GC_LEASE = "run", "serving", "gc"


class LeaseHeldError(FailureError):
    """Another process holds the lease."""


class LeaseLostError(FailureError):
    """Another process has taken the lease over."""


def node_lease(node: Node, key: str) -> str:
    """What is held while a node runs: its folder of checkpoints is the key's, the folder of versions everyone's."""
    return SERVING_LEASE if "PushedModel" in node.outputs.values() else f"node/{node.name}/{key}"


class Leases:
    """Takes leases for one run. `command` is what others are told that holds them."""

    command = "gpt2-tfx run"

    def __init__(
        self,
        store: Store,
        run_id: str,
        process: ProcessIdentity | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.store = store
        self.run_id = run_id
        self._process = process or this_process()
        self._clock = clock
        self._sleep = sleep

    def acquire(self, key: str, wait: bool, say: Callable[[str], None]) -> "Lease":
        """Take a lease, over from a dead owner too.

        wait: whether a live owner is waited for; else it raises LeaseHeldError.
        say: is told once what is waited for, or that an owner on another machine is watched for a sign of life.
        """
        while True:
            taken = self.store.take_lease(key, self._free(key, wait, say), self.owner())
            if taken is not None:
                return Lease(self, taken)

    def wait_for(self, key: str, say: Callable[[str], None]) -> None:
        """Wait until nobody holds a lease, and take none; `say` as for `acquire`."""
        self._free(key, True, say)

    def _free(self, key: str, wait: bool, say: Callable[[str], None]) -> int:
        """The generation that is next to be taken of a lease, when nobody who lives holds it."""
        seen: tuple[int, float] | None = None
        seen_at = self._clock()
        told = False
        while True:
            asked_at = self._clock()
            held = self.store.newest_lease(key)
            if self._clock() - asked_at > HEARTBEAT_SECONDS:
                # The store was away: nobody could say meanwhile that he lives.
                seen_at = self._clock()
            beat = None if held is None else (held.generation, held.heartbeat)
            alive = self._is_alive(held, beat == seen, self._clock() - seen_at)
            if alive is False:
                return beat[0] + 1 if beat else 1
            assert held is not None
            if alive is None and seen is not None and beat != seen:
                alive = True
            if alive and not wait:
                raise LeaseHeldError(f"{_described(held)}. Wait until it ends, or end it.")
            if not told:
                say(f"waiting: {_described(held)}")
                told = True
            if beat != seen:
                seen, seen_at = beat, self._clock()
            self._sleep(_POLL_SECONDS)

    def fence(self, lease: StoredLease) -> bool:
        """See to it that the dead owner of a lease records nothing, should it go on after all.

        Returns False where it has recorded already.
        """
        following = lease.generation + 1
        if self.store.take_lease(lease.key, following, {**self.owner(), "released": 1}) is not None:
            return True
        taken = self.store.lease(lease.key, following)
        return taken is not None and taken.run_id != lease.run_id

    def owner(self) -> Properties:
        """What a lease says of who holds it."""
        return {
            **self._process.to_properties(),
            "run": self.run_id,
            "command": self.command,
            "since": time.strftime("%Y-%m-%d %H:%M:%S"),
            "heartbeat": time.time(),
        }

    def _is_alive(self, held: StoredLease | None, unchanged: bool, seconds: float) -> bool | None:
        """Whether a lease has a living owner; None while that cannot be told.

        unchanged: whether its heartbeat is what it was `seconds` ago.
        """
        if held is None or held.released:
            return False
        alive = ProcessIdentity.of_properties(held.properties).is_alive(self._process)
        if alive is None and unchanged and seconds >= EXPIRY_SECONDS:
            return False
        return alive


class Lease:
    """A lease that is held; as a context it beats until it is left, and is released then."""

    def __init__(self, leases: Leases, stored: StoredLease) -> None:
        self._leases = leases
        self._stored = stored
        self._lost = False
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._keep_beating, daemon=True)

    @property
    def generation(self) -> int:
        """How often it was taken."""
        return self._stored.generation

    @property
    def key(self) -> str:
        return self._stored.key

    def beat(self) -> None:
        """Say that the owner lives, and see whether the lease was taken over."""
        self._leases.store.update_lease(self._stored, {"heartbeat": time.time()})
        self._is_lost()

    def check(self) -> None:
        """Raise LeaseLostError if another has the lease."""
        if self._is_lost():
            raise self._lost_error()

    def check_beats(self) -> None:
        """Raise LeaseLostError if the last heartbeat found that another has the lease; this asks no store."""
        if self._lost:
            raise self._lost_error()

    def renew(self, write: Callable[[StoredLease], bool]) -> None:
        """Write something together with the next generation of the lease, or nothing where another has that."""
        stored = self._stored
        following = StoredLease(0, stored.key, stored.generation + 1, self._leases.owner())
        if not write(following):
            raise self._lost_error()
        renewed = self._leases.store.lease(stored.key, following.generation)
        assert renewed is not None
        self._stored = renewed

    def release(self) -> None:
        """Let go; of a lease that was taken over nothing is changed that its owner of now looks at."""
        self._leases.store.update_lease(self._stored, {"released": 1, "heartbeat": time.time()})

    def __enter__(self) -> "Lease":
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended.set()
        self._thread.join()
        self.release()

    def _keep_beating(self) -> None:
        while not self._ended.wait(HEARTBEAT_SECONDS):
            try:
                self.beat()
            except FailureError:
                # A store that is away for a moment costs a beat; one that stays away fails the record.
                continue

    def _is_lost(self) -> bool:
        stored = self._stored
        following = self._leases.store.lease(stored.key, stored.generation + 1)
        # Between the two lines above the run itself may have renewed it.
        self._lost = self._lost or (following is not None and stored is self._stored)
        return self._lost

    def _lost_error(self) -> LeaseLostError:
        newest = self._leases.store.newest_lease(self._stored.key)
        owner = _described(newest) if newest else "another process"
        return LeaseLostError(
            f"this process was not heard of for {EXPIRY_SECONDS:.0f} s and lost its lease: {owner}. "
            "Nothing of it is recorded; run again."
        )


def _described(held: StoredLease) -> str:
    owner = held.properties
    what = "the workspace" if held.key in (RUN_LEASE, GC_LEASE) else held.key
    return (
        f"{what} is held by process {owner['pid']} on {owner['host']} since {owner['since']} "
        f"(`{owner['command']}`, run {owner['run']})"
    )
