"""Which version answers, and how another takes over when `latest` moves."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from aiohttp import web

from serving.http.served_version import ServedVersion


@dataclass(frozen=True)
class Source:
    """Where versions come from.

    place: the folder that MODEL names now; an exception where it names none.
    load: verifies a folder and loads it; an exception says why it cannot be served.
    """

    place: Callable[[], Path]
    load: Callable[[Path], ServedVersion]


class Refused(NamedTuple):
    """A version that should answer, and why it does not."""

    folder: Path | None
    reason: str


class CurrentVersion:
    """The version that new requests go to.

    name: of the model. version: what answers. refused: what should, where that could not be loaded.
    """

    def __init__(self, name: str, source: Source) -> None:
        """Load what is named now; raises what that raises."""
        self.name = name
        self.refused: Refused | None = None
        self._source = source
        self._folder = source.place()
        self.version = source.load(self._folder)

    async def follow(self, seconds: float, log: Callable[[str], None]) -> None:
        """Look for another version again and again, until this is cancelled."""
        while True:
            await asyncio.sleep(seconds)
            await self.look(log)

    async def look(self, log: Callable[[str], None]) -> None:
        """Have the version answer that is named now.

        It is loaded beside the one that answers, which ends what it has begun and is then let go. One that cannot be
        loaded changes nothing, and is tried again when the name has moved.
        """
        folder: Path | None = None
        try:
            folder = await asyncio.to_thread(self._source.place)
            if folder == self._folder:
                self.refused = None
                return
            if self.refused is not None and self.refused.folder == folder:
                return
            log(f"loading {folder}")
            version = await asyncio.to_thread(self._source.load, folder)
        except Exception as error:  # whatever it is, the server goes on
            refused = Refused(folder, str(error))
            if refused != self.refused:
                log(f"version {self.version.version} goes on: {refused.reason}")
            self.refused = refused
            return
        before, self.version, self._folder, self.refused = self.version, version, folder, None
        before.batching.finish()
        log(f"version {version.version} (digest {version.digest}) answers from now on")


CURRENT = web.AppKey("CURRENT", CurrentVersion)
