"""How a node's failure is told: in one line with the remedy where the reason is known, else with the end of its log."""

import os
import signal
from pathlib import Path
from typing import NamedTuple

from pipeline.failure import disk_failure, memory_failure
from preprocessing.base.errors import FailureError, InputError

_MEMORY_REMEDIES = {
    "Trainer": "lower training.batch_size (a larger training.accumulate makes up for it) or tokens.sequence_length, or "
    "set training.low_memory",
    "Evaluator": "lower evaluation.batch",
}
_END_BYTES = 4096
_MORE_MEMORY = "give it a machine with more, or end what else needs it"


class Told(NamedTuple):
    """What is said of an error. user_error: a mistake of the user. is_all: nothing in a log would say more."""

    message: str
    user_error: bool
    is_all: bool


def told(error: BaseException, node: str) -> Told:
    """What is said of an error that ended a node, looking through what libraries wrap around it."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, InputError):
            return Told(str(seen), user_error=True, is_all=True)
        if failure := _failure(seen, node):
            return Told(failure, user_error=False, is_all=True)
        seen = seen.__cause__ or seen.__context__
    return Told(f"{type(error).__name__}: {error}", user_error=False, is_all=False)


def how_it_ended(exit_code: int, node: str = "", log: Path | None = None) -> str:
    """How a process ended, and what can be done where memory is the most likely reason. log: what it has printed."""
    if exit_code >= 0:
        return f"exit status {exit_code}"
    name = signal.Signals(-exit_code).name
    # The system kills what takes too much; C++ aborts where it gets none.
    killed = -exit_code == signal.SIGKILL
    if killed or (-exit_code == signal.SIGABRT and log and _ends_with(log, b"std::bad_alloc")):
        return f"{name}, most likely for want of memory: {_remedy(node)}"
    return name


def _ends_with(log: Path, text: bytes) -> bool:
    """Whether a text stands at the end of a log."""
    with log.open("rb") as opened:
        opened.seek(max(0, opened.seek(0, os.SEEK_END) - _END_BYTES))
        return text in opened.read()


def _failure(error: BaseException, node: str) -> str | None:
    if isinstance(error, FailureError):
        return str(error)
    if failed := memory_failure(error):
        return f"{failed}; {_remedy(node)}"
    failure = disk_failure(error)
    return str(failure) if failure else None


def _remedy(node: str) -> str:
    own = _MEMORY_REMEDIES.get(node)
    return f"{own}; or {_MORE_MEMORY}" if own else _MORE_MEMORY
