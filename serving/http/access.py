"""Who may ask."""

import hmac

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from serving.http.errors import RequestError

# Whoever starts a server's container asks it without a token.
_OPEN = "/healthz"


def guarded(token: str | None) -> Middleware:
    """A middleware that refuses who has not the token, where there is one, and pages of other sites.

    A browser sends what any page asks it to, to this machine too; it names the page's site in `Origin`.
    """
    expected = None if token is None else f"Bearer {token}".encode()

    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        given = request.headers.get("Authorization", "").encode("utf-8", "replace")
        is_known = expected is None or hmac.compare_digest(given, expected)
        if not is_known and request.path != _OPEN:
            message = "a token is asked for: Authorization: Bearer TOKEN"
            raise RequestError(401, message, headers={"WWW-Authenticate": "Bearer"})
        origin = request.headers.get("Origin")
        if origin is not None and origin.partition("://")[2] != request.host:
            raise RequestError(403, f"Origin is {origin}; only this server's own page may ask")
        return await handler(request)

    return guard
