"""What a server is watched by: whether it lives, whether it is ready, its metrics, and what its model was made of."""

import time
from collections.abc import Callable, Sequence

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from serving.http.current_version import CURRENT, CurrentVersion
from serving.metrics import Counter, Gauge, Metric, exposition

# Of nginx: the client has gone before it was answered.
_CLIENT_GONE = 499


def add_monitoring(application: web.Application, metrics: Sequence[Metric], verified: str) -> None:
    """Add the routes. metrics: beside those of the routes and of the current version. verified: off, stat or full."""

    async def readiness(request: web.Request) -> web.Response:
        current = request.app[CURRENT]
        fault = current.version.batching.fault
        body = {
            "ready": fault is None,
            "fault": fault,
            "model": current.name,
            "version": current.version.version,
            "digest": current.version.digest,
            "verified": verified,
            "refused": current.refused and current.refused.reason,
        }
        return web.json_response(body, status=200 if fault is None else 503)

    async def numbers(request: web.Request) -> web.Response:
        text = exposition([*metrics, *_of_version(request.app[CURRENT])])
        return web.Response(text=text, headers={"Content-Type": "text/plain; version=0.0.4"})

    application.router.add_get("/healthz", _alive)
    application.router.add_get("/readyz", readiness)
    application.router.add_get("/metrics", numbers)
    application.router.add_get("/lineage", _lineage)


def observed(requests: Counter, log: Callable[[str], None]) -> Middleware:
    """A middleware that counts requests by route and status, and logs a line for each; no text of one is in it."""

    @web.middleware
    async def observe(request: web.Request, handler: Handler) -> web.StreamResponse:
        start, status = time.monotonic(), _CLIENT_GONE
        try:
            response = await handler(request)
            status = response.status
            return response
        except web.HTTPException as answer:
            status = answer.status
            raise
        except Exception:
            status = 500
            raise
        finally:
            resource = request.match_info.route.resource
            # of what is no route, a client could make up any number of names
            route, method = (resource.canonical, request.method) if resource else ("none", "any")
            requests.add(1, route, method, str(status))
            seconds = time.monotonic() - start
            log(f"{request.remote} {method} {route} {status} {seconds:.3f} s")

    return observe


async def _alive(_: web.Request) -> web.Response:
    return web.json_response({"alive": True})


async def _lineage(request: web.Request) -> web.Response:
    version = request.app[CURRENT].version
    body = {
        "version": version.version,
        "digest": version.digest,
        "provenance": version.provenance,
    }
    return web.json_response(body)


def _of_version(current: CurrentVersion) -> list[Metric]:
    version = current.version
    return [
        Gauge("gpt2_tfx_rows_running", "Texts being written.", lambda: version.batching.running),
        Gauge("gpt2_tfx_rows_waiting", "Texts that wait.", lambda: version.batching.waiting),
        Gauge(
            "gpt2_tfx_served_version_info",
            "The version that answers.",
            lambda: 1,
            lambda: {"version": version.version, "digest": version.digest or ""},
        ),
        Gauge(
            "gpt2_tfx_version_refused",
            "Whether latest names a version that could not be loaded.",
            lambda: current.refused is not None,
        ),
    ]
