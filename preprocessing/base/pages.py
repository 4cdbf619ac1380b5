"""HTML pages from the templates of `preprocessing`."""

import base64
import hashlib
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

_TEMPLATES = Path(__file__).resolve().parents[1] / "templates"


def write_page(path: Path, template: str, **values: Any) -> None:
    """Render a template into a file; everything from data is escaped."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    path.write_text(environment.get_template(template).render(**values), encoding="utf-8")


def write_live_page(path: Path, template: str, style: str, script: str, **values: Any) -> None:
    """As `write_page`, with a style and a script of the folder, which alone a browser runs: see `policy`."""
    css, code = ((_TEMPLATES / name).read_text(encoding="utf-8") for name in (style, script))
    write_page(
        path, template, style=Markup(css), script=Markup(code), policy=policy(css, code), **values
    )


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
