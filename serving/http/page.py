"""The page `/`: it generates with streaming, and says which version answers."""

from pathlib import Path

from aiohttp import web
from markupsafe import Markup

from preprocessing.base.pages import policy, templates_in
from serving.http.current_version import CURRENT

_FOLDER = Path(__file__).resolve().parent


def add_page(application: web.Application) -> None:
    """Add the route."""
    style, script = (
        (_FOLDER / name).read_text(encoding="utf-8") for name in ("page.css", "page.js")
    )
    template = templates_in(_FOLDER).get_template("page.html")
    headers = {
        "Content-Security-Policy": (
            f"{policy(style, script)}; connect-src 'self'; frame-ancestors 'none'"
        ),
        "Cache-Control": "no-store",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }

    async def page(request: web.Request) -> web.Response:
        current = request.app[CURRENT]
        text = template.render(
            style=Markup(style),
            script=Markup(script),
            name=current.name,
            version=current.version,
        )
        return web.Response(text=text, content_type="text/html", headers=headers)

    application.router.add_get("/", page)
