"""From a template of this folder to a page: everything from data is escaped, and nothing but our own script may run."""

import json
import time
from pathlib import Path
from typing import Any

from markupsafe import Markup

from pipeline.progress_display import duration
from preprocessing.base.pages import policy, templates_in

_FOLDER = Path(__file__).resolve().parent


def render(template: str, **values: Any) -> str:
    """The text of a page.

    A browser runs the style and the script of this folder alone: see `policy`.
    """
    environment = templates_in(_FOLDER)
    environment.filters |= {
        "utc": utc,
        "duration": duration,
        "score": score,
        "shown": shown,
        "counted": counted,
    }
    style, script = (
        (_FOLDER / name).read_text(encoding="utf-8") for name in ("page.css", "page.js")
    )
    return environment.get_template(template).render(
        style=Markup(style), script=Markup(script), policy=policy(style, script), **values
    )


def utc(seconds: float | None) -> str:
    """A time (seconds since the epoch) as it is read anywhere."""
    if seconds is None:
        return "at an unknown time"
    return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(seconds))


def score(value: float | None) -> str:
    """A score to six digits."""
    return "not scored" if value is None else f"{value:.6g}"


def shown(value: Any) -> str:
    """The value of a parameter as a configuration may have it: YAML reads what JSON writes."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def counted(count: int | None, what: str) -> str:
    """A number of things"""
    if count is None:
        return f"an unknown number of {what}s"
    return f"{count:,} {what}{'' if count == 1 else 's'}"
