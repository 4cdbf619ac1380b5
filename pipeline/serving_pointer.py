"""Publishing versions and moving the pointer `latest`, with an event in the store for each.

An event is begun before the move and settled after it. A process that dies in between leaves it open, and whoever
holds the pointer next settles it by what the disk says. It needs no TFX.
"""

from collections.abc import Callable

from pipeline.manifests import content_root
from pipeline.serving_history import has_happened, last_move, pin, serving_events
from pipeline.store import ServingEvent, Store, StoredArtifact
from pipeline.store.records import ServingEventKind
from serving.versions import Versions


class ServingPointer:
    """The pushed versions of a workspace and the pointer `latest`."""

    def __init__(self, store: Store, versions: Versions) -> None:
        self._store = store
        self._versions = versions

    def is_unsettled(self) -> bool:
        """Whether a dead process left something, or the pointer was moved by other means."""
        newest = next(self._store.serving_events(), None)
        open_event = newest is not None and not newest.happened
        return open_event or bool(self._versions.staged()) or self._was_moved()

    def recover(self, cause: str, check: Callable[[], None]) -> None:
        """End what a dead process left: publish what the store knows, remove what it does not.

        check: raises where another process has taken the lease of the Pusher over, which must be held: what the
            Pusher stages is not in the store yet.
        """
        with self._versions.held():
            check()
            self._settle(cause)
            for version in self._versions.staged():
                model = self._recorded(version)
                if model is None:
                    self._versions.discard(version)
                else:
                    self._publish(version, model, cause)

    def is_served(self, model: StoredArtifact) -> bool:
        """Whether `serve` would find nothing to do."""
        latest = self._versions.latest()
        named = latest == model.properties["pushed_version"]
        return not self.is_unsettled() and (named or self.pinned() is not None)

    def serve(self, model: StoredArtifact, cause: str, check: Callable[[], None]) -> None:
        """Publish a version that the store knows by now, and let `latest` name it unless a rollback has pinned it.

        check: raises where another process has taken over what this one does: one that was paused must not move
            `latest` back.
        """
        version = str(model.properties["pushed_version"])
        with self._versions.held():
            check()
            self._settle(cause)
            if version in self._versions.staged():
                self._publish(version, model, cause)
            if self.pinned() is None and self._versions.latest() != version:
                self._move("promote", version, model, cause)

    def pinned(self) -> ServingEvent | None:
        """The rollback that keeps `latest` where it is."""
        return pin(serving_events(self._store, self._versions))

    def roll_back(self, version: str, cause: str) -> str | None:
        """Let `latest` name a version and keep it there; returns what it named before.

        Raises InputError where the version is not published.
        """
        self._versions.check(version)
        with self._versions.held():
            self._settle(cause)
            before = self._versions.latest()
            self._move("rollback", version, self._known(version), cause)
            return before

    def release(self, cause: str) -> bool:
        """Let runs move `latest` again; False where they do already."""
        with self._versions.held():
            self._settle(cause)
            if self.pinned() is None:
                return False
            latest = self._versions.latest() or ""
            event = self._begin("release", latest, self._known(latest), cause)
            self._store.settle_serving_event(event, True)
            return True

    def _settle(self, cause: str) -> None:
        """Settle what is open, and write down where the pointer was moved by other means."""
        for event in self._store.serving_events():
            if event.happened:
                break
            self._store.settle_serving_event(event.id, has_happened(event, self._versions))
        latest = self._versions.latest()
        if latest is not None and self._was_moved():
            event_id = self._begin("found", latest, self._known(latest), f"found by {cause}")
            self._store.settle_serving_event(event_id, True)

    def _was_moved(self) -> bool:
        """Whether `latest` names what no event says."""
        latest = self._versions.latest()
        move = last_move(serving_events(self._store, self._versions))
        return latest is not None and (move is None or move.version != latest)

    def _publish(self, version: str, model: StoredArtifact, cause: str) -> None:
        event = self._begin("push", version, model, cause)
        self._versions.publish(version)
        self._store.settle_serving_event(event, True)

    def _move(
        self, kind: ServingEventKind, version: str, model: StoredArtifact | None, cause: str
    ) -> None:
        event = self._begin(kind, version, model, cause)
        self._versions.set_latest(version)
        self._store.settle_serving_event(event, True)

    def _begin(
        self, kind: ServingEventKind, version: str, model: StoredArtifact | None, cause: str
    ) -> int:
        before = self._versions.latest() or ""
        return self._store.begin_serving_event(kind, model, version, before, cause)

    def _known(self, version: str) -> StoredArtifact | None:
        """The model of a published version; None where another store knew it."""
        for event in self._store.serving_events():
            if event.version == version and event.model:
                return self._store.artifact(event.model)
        return None

    def _recorded(self, version: str) -> StoredArtifact | None:
        """The model that a staged version is; None where it was not recorded."""
        for artifact in self._store.artifacts("PushedModel"):
            if artifact.digest and content_root(artifact) == self._versions.staged_path(version):
                return artifact
        return None
