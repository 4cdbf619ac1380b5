"""What is said of what ends a node: one line where the reason is known, and the remedy with it."""

import errno
import re
import signal
from pathlib import Path

import pytest

from pipeline.node_failures import how_it_ended, told
from preprocessing.base.errors import FailureError, InputError


class ResourceExhaustedError(Exception):
    """Called as what TensorFlow raises."""


def wrapped(error: Exception) -> Exception:
    """An error as libraries pass it on."""
    try:
        try:
            raise error
        except Exception as inner:
            raise RuntimeError("while running a bundle") from inner
    except RuntimeError as outer:
        return outer


@pytest.mark.parametrize(
    "error",
    [
        MemoryError("why"),
        ResourceExhaustedError("OOM why\nmore"),
        ResourceExhaustedError(
            "Graph execution error:\n\n(0) RESOURCE_EXHAUSTED: OOM why on /job\n"
        ),
        ValueError("Graph execution error:\n\nCannot parse tensor from proto: dtype: DT_FLOAT\n"),
    ],
    ids=["numpy", "tensorflow", "a graph", "a constant of a graph"],
)
@pytest.mark.parametrize(
    ("node", "remedy"),
    [
        ("Trainer", "lower training.batch_size (a larger training.accumulate makes up for it)"),
        ("Evaluator", "lower evaluation.batch; or give it a machine with more"),
        ("CorpusGen", "give it a machine with more"),
    ],
)
def test_memory_that_does_not_suffice_is_a_line_with_the_remedy(
    error: Exception, node: str, remedy: str
) -> None:
    for each in (error, wrapped(error)):
        said = told(each, node)
        found = re.fullmatch(r"the memory does not suffice \((.*?)\); (.*)", said.message)
        assert found
        assert found[1] in ("why", "OOM why", "Cannot parse tensor from proto")
        assert found[2].startswith(remedy)
        assert "\n" not in said.message
        assert (said.user_error, said.is_all) == (False, True)


def test_a_full_disk_is_a_line_with_the_file_and_the_remedy() -> None:
    full = OSError(errno.ENOSPC, "No space left on device", "rows-00000")
    for error in (full, wrapped(full)):
        said = told(error, "Tokenizer")
        assert said.message.startswith(
            "rows-00000: no space left on device. Make room, then run again"
        )
        assert (said.user_error, said.is_all) == (False, True)


def test_failures_and_mistakes_say_all_themselves() -> None:
    assert told(wrapped(FailureError("make room")), "Trainer") == ("make room", False, True)
    assert told(wrapped(InputError("a", "b")), "Trainer") == ("a\nb", True, True)


def test_of_anything_else_the_log_says_more() -> None:
    assert told(ValueError("no"), "Trainer") == ("ValueError: no", False, False)


def test_a_process_that_ended_for_want_of_memory_is_told_what_needs_less(tmp_path: Path) -> None:
    log = tmp_path / "Trainer.log"
    log.write_text(f"{'x' * 9000}\nterminate called\n  what():  std::bad_alloc\n")
    remedy = ", most likely for want of memory: lower training.batch_size"
    assert how_it_ended(-signal.SIGKILL, "Trainer").startswith(f"SIGKILL{remedy}")
    assert how_it_ended(-signal.SIGABRT, "Trainer", log).startswith(f"SIGABRT{remedy}")
    assert how_it_ended(-signal.SIGSEGV, "Trainer", log) == "SIGSEGV"


def test_how_any_other_process_ended_is_said_in_a_word(tmp_path: Path) -> None:
    log = tmp_path / "Trainer.log"
    log.write_text("std::bad_alloc was long ago\n" + "x" * 9000)
    assert how_it_ended(-signal.SIGABRT, "Trainer", log) == "SIGABRT"
    assert how_it_ended(-signal.SIGABRT, "Trainer") == "SIGABRT"
    assert how_it_ended(1, "Trainer", log) == "exit status 1"
