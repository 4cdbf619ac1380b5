"""TensorFlow Serving's REST interface: predictions of `serving_default`, and what there is to predict with."""

import asyncio
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from aiohttp import web

from serving.continuous_batching import MOST_WAITING, Begun
from serving.http.completion_request import MOST_PROMPT_BYTES
from serving.http.current_version import CURRENT
from serving.http.errors import RequestError
from serving.http.json_fields import Fields, read_object
from serving.http.served_version import ServedVersion
from serving.http.written_texts import being_written
from serving.running_rows import Sampling

_SIGNATURE, _INPUT = "serving_default", "prompts"
# Searches are not written side by side: one after the other, so that they do not take all memory.
_SEARCH = web.AppKey("_SEARCH", asyncio.Lock)


def add_predict(application: web.Application) -> None:
    """Add the routes of predictions and of metadata."""
    application[_SEARCH] = asyncio.Lock()
    place = "/v1/models/{name}"
    for prefix in (place, f"{place}/versions/{{version}}"):
        application.router.add_post(f"{prefix}:predict", predict)
        application.router.add_get(f"{prefix}/metadata", metadata)


def named_version(request: web.Request) -> ServedVersion:
    """The version that the path names. Raises RequestError where another one is served."""
    current = request.app[CURRENT]
    name = request.match_info["name"]
    if name != current.name:
        raise RequestError(404, f"model is {name!r}; {current.name!r} is served here", "model")
    version = request.match_info.get("version", current.version.version)
    if version != current.version.version:
        message = f"version is {version!r}; {current.version.version!r} is served here"
        raise RequestError(404, message, "version")
    return current.version


async def predict(request: web.Request) -> web.Response:
    """What the signature gives for texts, in rows (`instances`) or as a column (`inputs`)."""
    document = await read_object(request)
    version = named_version(request)
    fields = Fields(document)
    fields.refuse_others(["signature_name", "instances", "inputs"])
    if fields.text("signature_name", _SIGNATURE) != _SIGNATURE:
        fields.refuse("signature_name", _SIGNATURE)
    if (fields.value("instances") is None) == (fields.value("inputs") is None):
        raise RequestError(400, "either instances or inputs must be given, and not both")
    in_rows = fields.value("instances") is not None
    prompts = _rows(fields) if in_rows else _column(fields)
    texts, cuts = await _predicted(request, version, prompts)
    warnings = {"warnings": list(cuts)} if cuts else {}
    return web.json_response({"predictions" if in_rows else "outputs": texts, **warnings})


async def metadata(request: web.Request) -> web.Response:
    """The inputs and outputs of the signature."""
    version = named_version(request)
    tensor = {"dtype": "DT_STRING", "tensor_shape": {"dim": [{"size": "-1"}]}}
    signature = {
        "inputs": {_INPUT: tensor},
        "outputs": {"completions": tensor},
        "method_name": "tensorflow/serving/predict",
    }
    specification = {
        "name": request.app[CURRENT].name,
        "signature_name": "",
        "version": version.version,
    }
    signatures = {"signature_def": {_SIGNATURE: signature}}
    return web.json_response(
        {"model_spec": specification, "metadata": {"signature_def": signatures}}
    )


async def _predicted(
    request: web.Request, version: ServedVersion, prompts: list[str]
) -> tuple[list[str], Sequence[str]]:
    """As the signature says: the version's defaults, seed 0, row by row; and what the context had no room for."""
    settings = asdict(version.defaults)
    if settings["beams"] > 1:
        async with request.app[_SEARCH]:
            found = await asyncio.to_thread(version.model.generate, prompts, **settings)
        cuts = version.model.cuts(prompts, settings["max_new_tokens"])
        return [completion.text for completion in found], list(cuts)
    del settings["beams"], settings["length_penalty"]
    texts, begun = [""] * len(prompts), Begun((), ())
    async with being_written(version, prompts, Sampling(**settings)) as events:
        async for event in events:
            if isinstance(event, Begun):
                begun = event
            elif event.completion is not None:
                texts[event.row] = event.completion.text
    return texts, begun.cuts


def _rows(fields: Fields) -> list[str]:
    value = fields.value("instances")
    if isinstance(value, list):
        value = [
            row[_INPUT] if isinstance(row, dict) and list(row) == [_INPUT] else row for row in value
        ]
    return _checked(fields, "instances", value)


def _column(fields: Fields) -> list[str]:
    value = fields.value("inputs")
    if isinstance(value, dict) and list(value) == [_INPUT]:
        value = value[_INPUT]
    return _checked(fields, "inputs", value)


def _checked(fields: Fields, name: str, prompts: Any) -> list[str]:
    if (
        not isinstance(prompts, list)
        or not 1 <= len(prompts) <= MOST_WAITING
        or not all(isinstance(prompt, str) for prompt in prompts)
        or any(len(prompt.encode("utf-8", "replace")) > MOST_PROMPT_BYTES for prompt in prompts)
    ):
        allowed = f"a list of 1 to {MOST_WAITING} strings for {_INPUT!r}"
        fields.refuse(name, f"{allowed}, each of at most {MOST_PROMPT_BYTES} bytes")
    return prompts
