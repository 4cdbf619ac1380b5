"""Whether the rows of the store are those that were recorded: of what is behind a model, and of what happened since."""

from collections.abc import Iterator, Sequence

from pipeline.manifests import Mismatch
from pipeline.store import StoredArtifact, StoredEvent, StoredExecution, StoreReader
from pipeline.store.row_digests import event_digest


def altered_rows(
    store: StoreReader, pushed: StoredArtifact, executions: Sequence[StoredExecution]
) -> Iterator[Mismatch]:
    """The executions behind a pushed model whose rows, or those of their inputs' makers, are not as recorded."""
    if not executions:
        yield Mismatch(f"store: what made {pushed.uri}", "an execution", "")
    for execution in executions:
        if execution.record_digest:
            actual = store.record_digest(execution)
            if actual != execution.record_digest:
                yield Mismatch(_row(execution), execution.record_digest, actual)
        for artifact in execution.outputs.values():
            makers = store.producers(artifact.id)
            if len(makers) > 1:
                found = ", ".join(str(maker.id) for maker in makers)
                where = f"store: what made artifact {artifact.id} ({artifact.type})"
                yield Mismatch(where, "one execution", f"executions {found}")


def rows_without_digest(executions: Sequence[StoredExecution]) -> Iterator[str]:
    """In words, the executions that were recorded before rows had digests."""
    for execution in executions:
        if not execution.record_digest:
            yield f"{_row(execution)}: recorded by a version that made no digests of rows"


def push_records(store: StoreReader, version: str) -> set[str]:
    """The record digests of what pushed a version: of the first push, and of those that found the same there."""
    makers = (
        store.producer(artifact.id)
        for artifact in store.artifacts("PushedModel")
        if str(artifact.properties.get("pushed_version")) == version
    )
    return {maker.record_digest for maker in makers if maker is not None and maker.record_digest}


def altered_events(store: StoreReader) -> Iterator[Mismatch]:
    """The events of a workspace that were changed, are gone, or were put in; of the last of all none says so."""
    following: StoredEvent | None = None
    placed = set()
    for event in store.journal():
        yield from _altered(event)
        if following is not None:
            yield from _follows(event, following)
        placed.add(event.id)
        following = event
    if following is None:
        return
    if following.number > 1:
        yield _gone(following)
    # What is older than the first was appended before events had places.
    for event in store.events_of_every_kind():
        if event.id > following.id and event.id not in placed:
            where = f"store: execution {event.id} ({event.kind})"
            yield Mismatch(where, "", "an event without a place among the others")


def _altered(event: StoredEvent) -> Iterator[Mismatch]:
    actual = event_digest(event)
    if actual != event.record_digest:
        yield Mismatch(_event(event), event.record_digest, actual)


def _follows(event: StoredEvent, following: StoredEvent) -> Iterator[Mismatch]:
    """What the event after one says of it."""
    if following.number != event.number + 1:
        yield _gone(following)
        return
    before, state = following.properties["after"], following.properties["after_state"]
    if before != event.record_digest:
        yield Mismatch(_event(event), str(before), event.record_digest)
    if state and state != event.state:
        yield Mismatch(f"{_event(event)}, its state", str(state), event.state)


def _gone(following: StoredEvent) -> Mismatch:
    return Mismatch(f"store: event {following.number - 1}", str(following.properties["after"]), "")


def _row(execution: StoredExecution) -> str:
    return f"store: execution {execution.id} ({execution.node})"


def _event(event: StoredEvent) -> str:
    what = event.properties.get("kind", event.kind)
    return f"store: event {event.number} ({what})"
