"""What a server is watched by: whether it lives, whether it is ready, its metrics, and what its model was made of."""

import time
from collections.abc import Callable, Iterator

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware
from prometheus_client import CollectorRegistry, Counter, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.registry import Collector

from serving.http.current_version import CURRENT, CurrentVersion

# Of nginx: the client has gone before it was answered.
_CLIENT_GONE = 499


def add_monitoring(application: web.Application, numbers: CollectorRegistry, verified: str) -> None:
    """Add the routes. numbers: what `/metrics` shows. verified: off, stat or full."""

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

    async def metrics(_: web.Request) -> web.Response:
        headers = {"Content-Type": CONTENT_TYPE_PLAIN_0_0_4}
        return web.Response(body=generate_latest(numbers), headers=headers)

    application.router.add_get("/healthz", _alive)
    application.router.add_get("/readyz", readiness)
    application.router.add_get("/metrics", metrics)
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
            requests.labels(route, method, str(status)).inc()
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


class VersionNumbers(Collector):
    """What is asked of the version that answers whenever numbers are shown."""

    def __init__(self, current: CurrentVersion) -> None:
        self._current = current

    def collect(self) -> Iterator[GaugeMetricFamily]:
        version, refused = self._current.version, self._current.refused
        yield GaugeMetricFamily(
            "gpt2_tfx_rows_running", "Texts being written.", version.batching.running
        )
        yield GaugeMetricFamily(
            "gpt2_tfx_rows_waiting", "Texts that wait.", version.batching.waiting
        )
        named = GaugeMetricFamily(
            "gpt2_tfx_served_version_info",
            "The version that answers.",
            labels=("version", "digest"),
        )
        named.add_metric((version.version, version.digest or ""), 1)
        yield named
        yield GaugeMetricFamily(
            "gpt2_tfx_version_refused",
            "Whether latest names a version that could not be loaded.",
            refused is not None,
        )
