"""`GET /v1/models`: OpenAI's description of a model, and TensorFlow Serving's status of its version."""

from typing import Any

from aiohttp import web

from serving.http.current_version import CURRENT
from serving.http.predict import named_version
from serving.http.served_version import ServedVersion


def add_models(application: web.Application) -> None:
    """Add the routes."""
    application.router.add_get("/v1/models", listed)
    application.router.add_get("/v1/models/{name}", described)
    application.router.add_get("/v1/models/{name}/versions/{version}", described)


async def listed(request: web.Request) -> web.Response:
    """The one model."""
    current = request.app[CURRENT]
    models = [_description(current.name, current.version)]
    return web.json_response({"object": "list", "data": models})


async def described(request: web.Request) -> web.Response:
    """A body that serves both: neither has a field of the other's name."""
    version = named_version(request)
    status = {
        "version": version.version,
        "state": "AVAILABLE",
        "status": {"error_code": "OK", "error_message": ""},
    }
    description = _description(request.app[CURRENT].name, version)
    return web.json_response({**description, "model_version_status": [status]})


def _description(name: str, version: ServedVersion) -> dict[str, Any]:
    return {
        "id": name,
        "object": "model",
        "created": version.created,
        "owned_by": "gpt2-tfx",
        "version": version.version,
        "digest": version.digest,
        "max_model_len": version.model.context,
    }
