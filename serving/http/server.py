"""Running the application on a socket until it is to end."""

import asyncio
import socket
from collections.abc import Callable, Coroutine
from typing import Any

from aiohttp import web

from serving.http.current_version import CURRENT

# Requests that are being answered may take so long when the server is to end.
SECONDS_TO_END = 5.0
# A connection that is silent for so long is closed.
_SECONDS_OF_SILENCE = 75.0


async def serve(
    application: web.Application,
    listening: socket.socket,
    stopped: asyncio.Event,
    ready: Callable[[str], None],
    follow: Callable[[], Coroutine[Any, Any, None]] | None = None,
) -> None:
    """Answer until `stopped` is set; what is being answered then may end, and nothing new is taken.

    listening: bound to its address. ready: is told the address once requests are taken. follow: looks for
    other versions all the while.
    """
    runner = web.AppRunner(
        application,
        access_log=None,
        handler_cancellation=True,
        keepalive_timeout=_SECONDS_OF_SILENCE,
        # it waits so long twice: before it tells what is being answered to end, and behind it
        shutdown_timeout=SECONDS_TO_END / 2,
    )
    await runner.setup()
    try:
        site = web.SockSite(runner, listening)
        await site.start()
        following = asyncio.create_task(follow()) if follow else None
        ready(site.name)
        await stopped.wait()
        if following:
            following.cancel()
    finally:
        await runner.cleanup()
        await asyncio.to_thread(application[CURRENT].version.batching.stop)
