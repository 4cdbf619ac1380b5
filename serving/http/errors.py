"""What is answered where a request cannot be done: JSON, as the interface that was asked has it."""

from collections.abc import Mapping

from aiohttp import web
from aiohttp.typedefs import Handler


class RequestError(Exception):
    """Answered in place of a result.

    status: of HTTP. message: field, value, and what is allowed. field: of the request, where one is at fault.
    headers: that the answer has too.
    """

    def __init__(
        self,
        status: int,
        message: str,
        field: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status, self.message, self.field = status, message, field
        self.headers = headers


def error_body(error: RequestError) -> dict[str, object]:
    """As OpenAI's API has it."""
    kind = "server_error" if error.status >= 500 else "invalid_request_error"
    return {"error": {"message": error.message, "type": kind, "param": error.field, "code": None}}


@web.middleware
async def errors_as_json(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer errors, those of the framework too, as JSON."""
    try:
        return await handler(request)
    except RequestError as error:
        return _answer(request, error)
    except web.HTTPException as error:
        if error.status < 400:
            raise
        told = RequestError(error.status, _words(request, error), headers=_kept(error.headers))
        return _answer(request, told)


def _answer(request: web.Request, error: RequestError) -> web.Response:
    # TensorFlow Serving tells an error as a string
    is_predict = request.path.endswith(":predict")
    body = {"error": error.message} if is_predict else error_body(error)
    return web.json_response(body, status=error.status, headers=error.headers)


def _words(request: web.Request, error: web.HTTPException) -> str:
    match error.status:
        case 404:
            return f"{request.method} {request.rel_url.raw_path}: there is no such page"
        case 405:
            return f"{request.method}: not for this page; it takes {error.headers['Allow']}"
        case 413:
            return "the body is too large"
        case _:
            return error.reason


def _kept(headers: Mapping[str, str]) -> dict[str, str]:
    return {"Allow": headers["Allow"]} if "Allow" in headers else {}
