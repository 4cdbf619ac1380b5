"""Writing while a training goes on: one thing at a time, no error lost, and whole at a SIGTERM."""

import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from trainer.background_writer import BackgroundWriter


def test_one_thing_is_written_at_a_time() -> None:
    may_end, done = threading.Event(), []

    def first() -> None:
        may_end.wait(10)
        done.append("first")

    with BackgroundWriter() as writer:
        writer.start(first)
        assert done == []
        may_end.set()
        writer.start(lambda: done.append("second"))
        assert done[0] == "first"
    assert done == ["first", "second"]


def failing() -> None:
    raise OSError("the disk is full")


def test_an_error_comes_with_the_next_call_and_then_no_more() -> None:
    with BackgroundWriter() as writer:
        writer.start(failing)
        with pytest.raises(OSError, match="full"):
            writer.start(lambda: None)
        writer.wait()


def test_an_error_of_the_last_thing_comes_at_the_end() -> None:
    with pytest.raises(OSError, match="full"), BackgroundWriter() as writer:
        writer.start(failing)


_TERMINATED = """
import os, signal, sys, time
from pathlib import Path
from trainer.background_writer import BackgroundWriter

began = Path(sys.argv[1] + ".began")

def write():
    began.touch()
    time.sleep(0.3)
    Path(sys.argv[1]).write_text("whole")

with BackgroundWriter() as writer:
    writer.start(write)
    while not began.exists():
        time.sleep(0.01)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(10)
"""


def test_what_is_being_written_at_a_sigterm_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "written"
    ended = subprocess.run([sys.executable, "-c", _TERMINATED, str(path)], check=False)
    assert ended.returncode == -signal.SIGTERM
    assert path.read_text() == "whole"


def test_sigterm_is_handled_as_before_at_the_end() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with BackgroundWriter():
        assert signal.getsignal(signal.SIGTERM) != before
    assert signal.getsignal(signal.SIGTERM) == before
