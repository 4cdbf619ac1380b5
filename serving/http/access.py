"""Who may ask."""

import hmac
from ipaddress import ip_address
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from serving.http.errors import RequestError

# Whoever starts a server's container asks it without a token.
_OPEN = "/healthz"


def guarded(token: str | None, local: bool) -> Middleware:
    """A middleware that refuses who has not the token, where there is one, and pages of other sites.

    A browser sends what any page asks it to, to this machine too; it names the page's site in `Origin`. A site
    whose name leads to this machine passes for the server's own, so that a local server without a
    token must be asked by a name of this machine.
    """
    expected = None if token is None else f"Bearer {token}".encode()

    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        given = request.headers.get("Authorization", "").encode("utf-8", "replace")
        is_known = expected is None or hmac.compare_digest(given, expected)
        if not is_known and request.path != _OPEN:
            message = "a token is asked for: Authorization: Bearer TOKEN"
            raise RequestError(401, message, headers={"WWW-Authenticate": "Bearer"})
        if local and token is None and not _names_this_machine(request.host):
            raise RequestError(403, f"Host is {request.host}; ask for localhost")
        origin = request.headers.get("Origin")
        if origin is not None and origin.partition("://")[2] != request.host:
            raise RequestError(403, f"Origin is {origin}; only this server's own page may ask")
        return await handler(request)

    return guard


def _names_this_machine(host: str) -> bool:
    """host: as the header of this name has it, with or without a port."""
    try:
        name = urlsplit(f"//{host}").hostname
        return name == "localhost" or (name is not None and ip_address(name).is_loopback)
    except ValueError:
        return False
