"""SIGTERM as a request."""

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest

from trainer.termination import Termination

_ASKED = """
import os, signal, sys
from trainer.termination import Termination

termination = Termination()
with termination.as_a_request():
    assert not termination.asked
    os.kill(os.getpid(), signal.SIGTERM)
    assert termination.asked
    print("whole", flush=True)
    if sys.argv[1] == "at once":
        termination.end_process()
    print("done", flush=True)
print("never")
"""


def ended(when: str) -> tuple[int, list[str]]:
    done = subprocess.run(
        [sys.executable, "-c", _ASKED, when], capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout.split()


def test_the_process_ends_by_it_when_what_was_asked_is_ready_to() -> None:
    assert ended("at once") == (-signal.SIGTERM, ["whole"])


def test_the_process_ends_by_it_when_nothing_was_left_to_keep() -> None:
    assert ended("later") == (-signal.SIGTERM, ["whole", "done"])


@pytest.mark.parametrize("fails", [False, True])
def test_it_is_handled_as_before_at_the_end(fails: bool) -> None:
    seen: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, frame: seen.append(number))
    try:
        with suppress(KeyError), Termination().as_a_request():
            if fails:
                raise KeyError
        os.kill(os.getpid(), signal.SIGTERM)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert seen == [signal.SIGTERM]


def test_beside_the_main_thread_it_is_handled_as_before() -> None:
    def handler() -> object:
        with Termination().as_a_request():
            return signal.getsignal(signal.SIGTERM)

    with ThreadPoolExecutor(1) as thread:
        assert thread.submit(handler).result() == signal.getsignal(signal.SIGTERM)
