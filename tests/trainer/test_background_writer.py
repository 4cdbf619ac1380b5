"""Writing while a training goes on: one thing at a time, and no error lost."""

import threading
from contextlib import closing

import pytest

from trainer.background_writer import BackgroundWriter


def test_one_thing_is_written_at_a_time() -> None:
    may_end, done = threading.Event(), []

    def first() -> None:
        may_end.wait(10)
        done.append("first")

    with closing(BackgroundWriter()) as writer:
        writer.start(first)
        assert done == []
        may_end.set()
        writer.start(lambda: done.append("second"))
        assert done[0] == "first"
    assert done == ["first", "second"]


def failing() -> None:
    raise OSError("the disk is full")


def test_an_error_comes_with_the_next_call_and_then_no_more() -> None:
    with closing(BackgroundWriter()) as writer:
        writer.start(failing)
        with pytest.raises(OSError, match="full"):
            writer.start(lambda: None)
        writer.wait()


def test_an_error_of_the_last_thing_comes_at_the_end() -> None:
    with pytest.raises(OSError, match="full"), closing(BackgroundWriter()) as writer:
        writer.start(failing)
