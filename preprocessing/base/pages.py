"""HTML pages from the templates of `preprocessing`."""

from pathlib import Path
from typing import Any

import jinja2

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
