"""HTML pages from templates."""

import base64
import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from markupsafe import Markup

if TYPE_CHECKING:
    import jinja2

# Names where the page lies, or will, that leads to all others of the workspace.
INDEX_VARIABLE = "GPT2_TFX_INDEX"

_TEMPLATES = Path(__file__).resolve().parents[1] / "templates"


def write_page(
    path: Path, template: str, style: str | None = None, script: str | None = None, **values: Any
) -> None:
    """Render a template into a file; everything from data is escaped.

    style, script: files beside the template: the page's own style, after that of all pages, and its script. A browser
    runs no other: see `policy`. A page in a workspace leads to the one that leads to all (INDEX_VARIABLE).
    """
    css = _text("page.css") + (_text(style) if style else "")
    code = _text(script) if script else ""
    page = templates_in(_TEMPLATES).get_template(template)
    text = page.render(
        style=Markup(css),
        script=Markup(code),
        policy=policy(css, code),
        index=seen_from(path.parent, Path(place))
        if (place := os.environ.get(INDEX_VARIABLE))
        else "",
        **values,
    )
    path.write_text(text, encoding="utf-8")


def templates_in(folder: Path) -> "jinja2.Environment":
    """The templates of a folder: everything from data is escaped, and a name that has no value is an error."""
    # It takes a while to import, and whoever plans a run asks for no more than a name here.
    import jinja2

    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def seen_from(folder: Path, page: Path) -> str:
    """Where a page lies, as a link in a page of a folder says it."""
    return quote(Path(os.path.relpath(page, folder)).as_posix())


def _text(name: str) -> str:
    return (_TEMPLATES / name).read_text(encoding="utf-8")


def policy(style: str, script: str) -> Markup:
    """A content security policy that names style and script by their digests (CSP Level 3, 2.3.1).

    A browser runs no other, whatever the data hold, and fetches nothing.
    """
    return Markup(
        f"default-src 'none'; style-src '{_source(style)}'; script-src '{_source(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )


def _source(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
