"""A way for deep code to say how far it is, without knowing who listens.

The launcher sets a sink in the process of a node; without one, reports vanish. Fields in use:
phase, done, total, rate, unit, step, steps, loss, validation_loss, tokens_per_s, seconds_left,
message.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

Report = dict[str, str | int | float]

_sink: Callable[[Report], None] | None = None


def set_sink(sink: Callable[[Report], None] | None) -> None:
    """Let `sink` receive every later report of this process; None stops them."""
    global _sink
    _sink = sink


@contextmanager
def reported_to(sink: Callable[[Report], None]) -> Iterator[None]:
    """Let `sink` receive the reports that are made inside, and nobody those after."""
    set_sink(sink)
    try:
        yield
    finally:
        set_sink(None)


def report(**fields: str | int | float) -> None:
    """Pass `fields` on as one dict, if anybody listens."""
    if _sink is not None:
        _sink(fields)
