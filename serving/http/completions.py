"""`POST /v1/completions`, as OpenAI's interface has it, whole or as server-sent events."""

import asyncio
import json
import secrets
import time
from collections.abc import AsyncIterator
from typing import Any

from aiohttp import web

from serving.continuous_batching import Begun, Written
from serving.http.completion_request import CompletionRequest, read_completion_request
from serving.http.current_version import CURRENT
from serving.http.errors import RequestError, error_body
from serving.http.json_fields import read_object
from serving.http.served_version import ServedVersion
from serving.http.written_texts import being_written

# Of a client that reads its answer: how long a piece of it may wait.
_SECONDS_TO_WRITE = 30.0


async def completions(request: web.Request) -> web.StreamResponse:
    """The texts that `LanguageModel.generate` gives for each prompt `n` times, choice by choice."""
    document = await read_object(request)
    current = request.app[CURRENT]
    # nothing is awaited from here until the request is submitted, so the version is not let go meanwhile
    version = current.version
    asked = read_completion_request(document, current.name, version)
    about = _about(current.name, version, asked)
    texts = being_written(version, asked.prompts, asked.sampling, asked.samples)
    async with texts as events:
        if asked.stream:
            return await _streamed(request, asked, about, events)
        return web.json_response(await _whole(asked, about, events))


def _about(name: str, version: ServedVersion, asked: CompletionRequest) -> dict[str, Any]:
    """What an answer says beside its texts. `seed` is ours: with it the answer can be had again."""
    return {
        "id": f"cmpl-{secrets.token_hex(12)}",
        "object": "text_completion",
        "created": int(time.time()),
        "model": name,
        "system_fingerprint": version.digest,
        "seed": asked.sampling.seed,
    }


async def _whole(
    asked: CompletionRequest, about: dict[str, Any], events: AsyncIterator[Begun | Written]
) -> dict[str, Any]:
    begun, choices, tokens = Begun((), ()), {}, 0
    async for event in events:
        if isinstance(event, Begun):
            begun = event
        elif event.completion is not None:
            text = _echoed(asked, event.row) + event.completion.text
            choices[event.row] = _choice(event.row, text, event.completion.finish_reason)
            tokens += event.completion.tokens
    ordered = [choices[row] for row in sorted(choices)]
    return {**about, **_warnings(begun), "choices": ordered, "usage": _usage(begun, tokens)}


async def _streamed(
    request: web.Request,
    asked: CompletionRequest,
    about: dict[str, Any],
    events: AsyncIterator[Begun | Written],
) -> web.StreamResponse:
    headers = {"Content-Type": "text/event-stream", "Cache-Control": "no-store"}
    response = web.StreamResponse(headers=headers)
    await response.prepare(request)
    begun, tokens = Begun((), ()), 0
    seen: set[int] = set()
    try:
        async for event in events:
            if isinstance(event, Begun):
                begun = event
                continue
            row, piece, completion = event
            first = {} if seen else _warnings(begun)
            if row not in seen:
                seen.add(row)
                piece = _echoed(asked, row) + piece
            if completion is not None:
                tokens += completion.tokens
            reason = None if completion is None else completion.finish_reason
            await _send(response, {**about, **first, "choices": [_choice(row, piece, reason)]})
        if asked.include_usage:
            await _send(response, {**about, "choices": [], "usage": _usage(begun, tokens)})
        await _write(response, "data: [DONE]\n\n")
    except RequestError as error:
        # the status has been sent: the client sees by what is missing, and by this, that it is not whole
        await _send(response, error_body(error))
    except TimeoutError:
        # a client that does not read
        if request.transport is not None:
            request.transport.abort()
    except ConnectionError:
        # a client that has gone
        pass
    return response


async def _send(response: web.StreamResponse, document: dict[str, Any]) -> None:
    await _write(response, f"data: {json.dumps(document)}\n\n")


async def _write(response: web.StreamResponse, text: str) -> None:
    async with asyncio.timeout(_SECONDS_TO_WRITE):
        await response.write(text.encode())


def _echoed(asked: CompletionRequest, row: int) -> str:
    return asked.prompts[row // asked.samples] if asked.echo else ""


def _choice(row: int, text: str, reason: str | None) -> dict[str, Any]:
    return {"index": row, "text": text, "logprobs": None, "finish_reason": reason}


def _warnings(begun: Begun) -> dict[str, Any]:
    """Ours: what of the request did not fit into the context."""
    return {"warnings": list(begun.cuts)} if begun.cuts else {}


def _usage(begun: Begun, tokens: int) -> dict[str, int]:
    prompt = sum(begun.prompt_tokens)
    return {
        "prompt_tokens": prompt,
        "completion_tokens": tokens,
        "total_tokens": prompt + tokens,
    }
