"""What was served when: the events of the metadata store about pushed versions and the pointer `latest`."""

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from pipeline.planning import Step
from pipeline.store import ServingEvent, StoredExecution, StoreReader
from serving.versions import Versions

_MOVES = ("promote", "rollback", "found")


def serving_events(store: StoreReader, versions: Versions) -> Iterator[ServingEvent]:
    """The events that have happened, newest first. Of one that its process left open, the disk says whether it did."""
    for event in store.serving_events():
        if event.happened or has_happened(event, versions):
            yield replace(event, happened=True)


def has_happened(event: ServingEvent, versions: Versions) -> bool:
    """Whether the disk is as it is after an event; a release leaves no trace there and counts when it was begun."""
    if event.kind == "push":
        return event.version in versions.names()
    return event.kind == "release" or versions.latest() == event.version


def pin(events: Iterable[ServingEvent]) -> ServingEvent | None:
    """The rollback that holds `latest` where it is; None where runs move it. `events` come newest first."""
    for event in events:
        if event.kind in ("rollback", "release"):
            return event if event.kind == "rollback" else None
    return None


def pinned_text(rollback: ServingEvent) -> str:
    """A pin for people, and what lifts it."""
    return (
        f"stays at version {rollback.version}, pinned {date(rollback.time)} by {rollback.cause}; "
        "`gpt2-tfx rollback --release` lets it move"
    )


def date(seconds: float) -> str:
    """A time (seconds since the epoch) for people, as clocks show it here."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))


def last_move(events: Iterable[ServingEvent]) -> ServingEvent | None:
    """What let `latest` name what it names now. `events` come newest first."""
    return next((event for event in events if event.kind in _MOVES), None)


@dataclass(frozen=True)
class Served:
    """A time in which `latest` named a version. until: None for the one that it names now. Seconds since the epoch."""

    version: str
    since: float
    until: float | None
    cause: str


def served(events: Iterable[ServingEvent]) -> list[Served]:
    """Every time in which `latest` named a version, oldest first. `events` come newest first."""
    found: list[Served] = []
    until = None
    for event in events:
        if event.kind in _MOVES:
            found.append(Served(event.version, event.time, until, event.cause))
            until = event.time
    return found[::-1]


def served_as(version: str, events: Iterable[ServingEvent]) -> list[Served]:
    """Every time in which `latest` named one version, oldest first. `events` come newest first."""
    return [time for time in served(events) if time.version == version]


def pushed_at(version: str, events: Iterable[ServingEvent]) -> float | None:
    """When a version was pushed first, in seconds since the epoch; None where no event says so."""
    times = [event.time for event in events if event.version == version and event.kind == "push"]
    return min(times, default=None)


@dataclass(frozen=True)
class PointerPlan:
    """What a run does with `latest`.

    now: the version that it names; None if none. after: the one that it will name; None where that is not known yet,
    since the Pusher may run. pinned: the rollback that keeps it.
    """

    now: str | None
    after: str | None
    pinned: ServingEvent | None

    @property
    def moves(self) -> bool:
        """Whether it is known that the run moves it."""
        return self.after not in (None, self.now)


def plan_pointer(steps: Iterable[Step], store: StoreReader, versions: Versions) -> PointerPlan:
    """What a run that carries out the steps does with `latest`."""
    now, pinned = versions.latest(), pin(serving_events(store, versions))
    after = now
    for step in steps:
        if "pushed_model" in step.node.outputs and pinned is None:
            after = _pushed_by(step.reusable, now) if step.reusable else None
    return PointerPlan(now, after, pinned)


def _pushed_by(execution: StoredExecution, now: str | None) -> str | None:
    """The version that a Pusher's execution pushed; what is served now where it refused."""
    version = execution.outputs["pushed_model"].properties.get("pushed_version")
    return now if version is None else str(version)


def champions(events: Iterable[ServingEvent], candidate: str) -> Sequence[int]:
    """The pushed models that a candidate (by its canonical digest) may be compared with, the first choice first.

    The champion is what `latest` names. A candidate that `latest` has named itself keeps the champion that it took
    over from: to return to it is no new contest, and asks for no new comparison. For a model that is gone, the one
    that it took over from stands in. `events` come newest first. Returns ids of artifacts.
    """
    models: list[int] = []
    for event in reversed(list(events)):
        if event.kind in _MOVES and event.model:
            if event.model_digest == candidate:
                break
            models.append(event.model)
    return models[::-1]
