"""When files change: the kernel says so, and on network file systems they are looked at again and again."""

import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from watchdog.events import (
    DirCreatedEvent,
    DirDeletedEvent,
    DirMovedEvent,
    FileCreatedEvent,
    FileDeletedEvent,
    FileModifiedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers import Observer
from watchdog.observers.api import BaseObserver
from watchdog.observers.polling import PollingObserver

from pipeline.file_systems import network_file_system

# So long must nothing have changed before what has changed is looked at: many changes together are one.
QUIET_SECONDS = 3.0
# Where nothing was said to change for so long one looks nevertheless: of some things no file system tells.
PATIENCE_SECONDS = 60.0
# Between two looks at the files; more where a look takes long, so that it is idle four fifths of the time.
_POLL_SECONDS = 2.0
_IDLE_SHARE = 4.0

_KINDS: list[type[FileSystemEvent]] = [
    *(FileCreatedEvent, FileModifiedEvent, FileMovedEvent, FileDeletedEvent),
    *(DirCreatedEvent, DirMovedEvent, DirDeletedEvent),
]


class Unrest:
    """Whether something has changed, and how long ago.

    clock: seconds; `turn` is waited on for a change. quiet: so long must nothing change.
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        turn: threading.Condition | None = None,
    ) -> None:
        self._clock = clock
        self._turn = turn or threading.Condition()
        self._changed_at: float | None = None
        self.quiet = QUIET_SECONDS

    def note(self) -> None:
        """Something changes now."""
        with self._turn:
            self._changed_at = self._clock()
            self._turn.notify_all()

    def wait(self) -> None:
        """Return when something has changed since the last call and it is quiet now, or when patience is at its end."""
        with self._turn:
            give_up = self._clock() + PATIENCE_SECONDS
            while True:
                changed = self._changed_at
                until = give_up if changed is None else changed + self.quiet
                left = until - self._clock()
                if left <= 0:
                    self._changed_at = None
                    return
                self._turn.wait(left)


class Changes:
    """Watches places: files or folders, which may not be there yet.

    say: is told once where the kernel watches no more folders.
    """

    def __init__(self, say: Callable[[str], None], unrest: Unrest | None = None) -> None:
        self._say = say
        self._unrest = unrest or Unrest()
        self._places: list[str] = []
        self._ignored = ""
        self._observers: list[BaseObserver] = []
        self._told = False
        self._poll_seconds = _POLL_SECONDS

    def watch(self, places: Iterable[Path], ignored: Path) -> None:
        """Watch these from now on, and no others; what has changed before is not forgotten.

        ignored: a folder that no change counts in, but of places there.
        """
        absolute = {place.absolute() for place in places}
        # A link is watched, and what it leads to.
        found = sorted(absolute | {place.resolve() for place in absolute})
        self._places, self._ignored = [str(place) for place in found], str(ignored.resolve())
        earlier = self._observers
        # A watch of before may be on a folder that was replaced meanwhile.
        self._observers = list(self._started(found))
        _stop(earlier)

    def wait(self) -> None:
        """See Unrest.wait."""
        self._unrest.wait()

    def close(self) -> None:
        """Watch nothing any more."""
        _stop(self._observers)
        self._observers = []

    def _started(self, places: Iterable[Path]) -> Iterator[BaseObserver]:
        remote = [place for place in places if network_file_system(place) is not None]
        local = [place for place in places if place not in remote]
        try:
            yield self._observer(Observer(), local)
        except OSError as error:
            if not self._told:
                self._told = True
                self._say(
                    f"watching: the kernel watches no more folders ({error.strerror}); looking at the files again "
                    "and again instead"
                )
            remote += local
        if remote:
            began = time.monotonic()
            yield self._observer(PollingObserver(timeout=self._poll_seconds), remote)
            # It has looked once.
            seconds = time.monotonic() - began
            self._unrest.quiet = max(QUIET_SECONDS, 2 * (self._poll_seconds + seconds))
            self._poll_seconds = max(_POLL_SECONDS, _IDLE_SHARE * seconds)

    def _observer(self, observer: BaseObserver, places: Iterable[Path]) -> BaseObserver:
        handler = _Handler(self._see)
        for place in places:
            if place.is_dir():
                observer.schedule(handler, str(place), recursive=True, event_filter=_KINDS)
            # Only the folder above is told that a file is replaced, or a folder.
            above = next((folder for folder in place.parents if folder.is_dir()), place)
            if os.access(above, os.R_OK):
                observer.schedule(handler, str(above), recursive=False, event_filter=_KINDS)
        try:
            observer.start()
        except OSError:
            observer.unschedule_all()
            raise
        return observer

    def _see(self, path: str) -> None:
        if any(self._concerns(path, place) for place in self._places):
            self._unrest.note()

    def _concerns(self, path: str, place: str) -> bool:
        """Whether a change of a path is one of a place: of itself, beneath it, or of a folder that it lies in."""
        if _is_in(path, self._ignored) and not _is_in(place, self._ignored):
            return False
        if _is_in(path, place):
            # Nothing hidden counts in a corpus, and the compiled code is ours.
            beneath = path[len(place) :].split(os.sep)
            return not any(name.startswith(".") or name == "__pycache__" for name in beneath)
        return _is_in(place, path)


def _is_in(path: str, folder: str) -> bool:
    """Whether a path is a folder or lies in it (by text: this is asked for every change)."""
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)


class _Handler(FileSystemEventHandler):
    def __init__(self, see: Callable[[str], None]) -> None:
        self._see = see

    def on_any_event(self, event: FileSystemEvent) -> None:
        for path in (event.src_path, event.dest_path):
            if path:
                self._see(os.fsdecode(path))


def _stop(observers: Iterable[BaseObserver]) -> None:
    for observer in observers:
        observer.stop()
    for observer in observers:
        observer.join()
