"""From the thread that writes to the one that answers: the events of a request."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from serving.continuous_batching import (
    MOST_WAITING,
    Begun,
    BusyError,
    Event,
    Failed,
    Request,
    Written,
)
from serving.http.errors import RequestError
from serving.http.served_version import ServedVersion
from serving.running_rows import Sampling

_SECONDS_TO_COME_BACK = 1


@asynccontextmanager
async def being_written(
    version: ServedVersion, prompts: Sequence[str], sampling: Sampling, samples: int = 1
) -> AsyncIterator[AsyncIterator[Begun | Written]]:
    """What comes of a request until all its rows have ended; who leaves the block earlier has cancelled it.

    Raises RequestError where too many wait, and where the model fails.
    """
    loop = asyncio.get_running_loop()
    events: asyncio.Queue[Event] = asyncio.Queue()

    def tell(event: Event) -> None:
        loop.call_soon_threadsafe(events.put_nowait, event)

    request = Request(prompts, sampling, tell, samples)
    try:
        version.batching.submit(request)
    except BusyError:
        message = f"{version.batching.waiting} texts wait, at most {MOST_WAITING} may; try again"
        headers = {"Retry-After": str(_SECONDS_TO_COME_BACK)}
        raise RequestError(429, message, headers=headers) from None
    try:
        yield _until_done(events, request.rows)
    finally:
        version.batching.cancel(request)


async def _until_done(events: asyncio.Queue[Event], rows: int) -> AsyncIterator[Begun | Written]:
    while rows:
        event = await events.get()
        if isinstance(event, Failed):
            raise RequestError(500, f"the model failed: {event.reason}")
        rows -= isinstance(event, Written) and event.completion is not None
        yield event
