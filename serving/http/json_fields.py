"""The fields of a JSON request, checked one by one: what is wrong is told with name, value and what is allowed."""

import asyncio
import json
from collections.abc import Iterable, Mapping
from typing import Any, NoReturn

from aiohttp import web

from preprocessing.base.ranges import Range
from serving.http.errors import RequestError

MOST_BODY_BYTES = 1024 * 1024
# Of a client that sends its request.
_SECONDS_TO_READ = 30.0
_SHOWN = 80


async def read_object(request: web.Request) -> dict[str, Any]:
    """The JSON object that a request holds. Raises RequestError where it is none, or comes too slowly."""
    try:
        async with asyncio.timeout(_SECONDS_TO_READ):
            body = await request.read()
    except TimeoutError:
        message = f"the body has not come within {_SECONDS_TO_READ:g} seconds"
        raise RequestError(408, message) from None
    try:
        document = json.loads(body, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise RequestError(400, f"the body is not JSON ({error})") from None
    if not isinstance(document, dict):
        raise RequestError(400, f"the body is {shown(document)}; it must be a JSON object")
    return document


def shown(value: object) -> str:
    """A value as JSON, its beginning where it is long."""
    text = json.dumps(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


class Fields:
    """The fields of an object; null is as if a field were left open. Each method raises RequestError."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = {name: value for name, value in document.items() if value is not None}

    def refuse_others(self, known: Iterable[str]) -> None:
        """Refuse fields whose names are not known."""
        known = sorted(known)
        for name in self._document:
            if name not in known:
                message = f"{shown(name)}: there is no such field; there are {', '.join(known)}"
                raise RequestError(400, message, name)

    def refuse(self, name: str, allowed: str) -> NoReturn:
        """Say that a field's value is not what is allowed."""
        message = f"{name} is {shown(self._document[name])}; it must be {allowed}"
        raise RequestError(400, message, name)

    def value(self, name: str) -> Any:
        """Whatever was given; None where it was left open."""
        return self._document.get(name)

    def whole(self, name: str, range_: Range, default: int) -> int:
        """A whole number in a range."""
        value = self._document.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int) or range_.fault(value):
            self.refuse(name, f"a whole number, {range_}")
        return value

    def number(self, name: str, range_: Range, default: float) -> float:
        """A number in a range, which is so in float32 too."""
        value = self._document.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int | float):
            self.refuse(name, f"a number, {range_}")
        try:
            value = float(value)
        except OverflowError:
            self.refuse(name, f"a number, {range_}")
        if fault := range_.fault(value):
            self.refuse(name, fault.removeprefix("must be "))
        return value

    def flag(self, name: str) -> bool:
        """True or false; false where it was left open."""
        value = self._document.get(name, False)
        if not isinstance(value, bool):
            self.refuse(name, "true or false")
        return value

    def text(self, name: str, default: str) -> str:
        """A string."""
        value = self._document.get(name, default)
        if not isinstance(value, str):
            self.refuse(name, "a string")
        return value


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON")
