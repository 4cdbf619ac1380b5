"""The routes of a server, and what stands before all of them."""

from collections.abc import Callable
from typing import NamedTuple

from aiohttp import web
from prometheus_client import Counter

from serving.http.access import guarded
from serving.http.completions import completions
from serving.http.current_version import CURRENT, CurrentVersion
from serving.http.errors import errors_as_json
from serving.http.json_fields import MOST_BODY_BYTES
from serving.http.models import add_models
from serving.http.monitoring import VersionNumbers, add_monitoring, observed
from serving.http.page import add_page
from serving.http.predict import add_predict
from serving.metrics import BatchingMetrics


class Settings(NamedTuple):
    """How a server is run.

    token: that every request but `/healthz` must bring; None asks for none. local: whether this machine
        alone can reach it. verified: how versions are checked, which `/readyz` says. log: takes a line
        for each request.
    """

    token: str | None
    local: bool
    verified: str
    log: Callable[[str], None]


def application_of(
    current: CurrentVersion, metrics: BatchingMetrics, settings: Settings
) -> web.Application:
    """An application of aiohttp. metrics: those that the batching of the versions counts in."""
    requests = Counter(
        "gpt2_tfx_requests",
        "Requests that were answered.",
        ("route", "method", "status"),
        registry=metrics.registry,
    )
    metrics.registry.register(VersionNumbers(current))
    application = web.Application(
        middlewares=[
            observed(requests, settings.log),
            errors_as_json,
            guarded(settings.token, settings.local),
        ],
        client_max_size=MOST_BODY_BYTES,
    )
    application[CURRENT] = current
    application.router.add_post("/v1/completions", completions)
    add_predict(application)
    add_models(application)
    add_monitoring(application, metrics.registry, settings.verified)
    add_page(application)
    return application
