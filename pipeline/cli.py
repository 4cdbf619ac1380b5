"""The command line `gpt2-tfx`. Results go to stdout, progress to stderr.

Exit status: 0 done; 1 it ran and the answer is no or it failed; 2 the caller's input is wrong.
"""

import faulthandler
import importlib
import io
import json
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from types import FrameType

from pipeline.arguments import parse
from pipeline.failure import full_disk_told, memory_failure
from preprocessing.base.errors import FailureError, InputError


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse the arguments and do the command; returns the exit status."""
    if arguments is None:
        _make_streams_usable()
        # On the stderr of now: a command sets aside what its libraries print, and their crash is to be seen.
        faulthandler.enable(os.dup(sys.stderr.fileno()))
        signal.signal(signal.SIGTERM, _interrupt)
    parsed = parse(arguments)
    parsed.given = list(sys.argv[1:] if arguments is None else arguments)
    # Each command imports what it needs, so that help and the light commands start at once.
    command = importlib.import_module(f"pipeline.commands.{parsed.module}")
    try:
        with full_disk_told():
            status: int = command.run(parsed)
            # Here and not at exit, so that a closed pipe or a full disk is met here too.
            sys.stdout.flush()
        return status
    except InputError as error:
        for message in error.messages:
            print(f"gpt2-tfx: {message}", file=sys.stderr)
        return 2
    except FailureError as error:
        print(f"gpt2-tfx: {error}", file=sys.stderr)
        _flush_or_discard()
        return 1
    except BrokenPipeError:
        _flush_or_discard()
        return 1
    except KeyboardInterrupt:
        print("gpt2-tfx: interrupted", file=sys.stderr)
        return 1
    except Exception as error:
        failed = memory_failure(error)
        if failed is None:
            raise
        print(f"gpt2-tfx: {failed}; ask for less at once", file=sys.stderr)
        return 1


def _make_streams_usable() -> None:
    """Have stdin, stdout and stderr, and print on stdout what its encoding has not.

    What a caller has closed leads nowhere, or the next file that is opened would be taken for it.
    """
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)
    sys.stdin = sys.stdin or os.fdopen(0)
    sys.stdout = sys.stdout or os.fdopen(1, "w")
    sys.stderr = sys.stderr or os.fdopen(2, "w")
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def _flush_or_discard() -> None:
    """Write what stdout still holds; where it cannot be, it must not fail once more when the interpreter ends."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _interrupt(number: int, frame: FrameType | None) -> None:
    """A SIGTERM ends as Ctrl-C does: what goes on is ended and recorded."""
    # Some ask twice, the process and its group; what is being ended is not to be cut off. What it starts is asked anew.
    signal.signal(number, lambda *_: None)
    raise KeyboardInterrupt


def read_stdin() -> str:
    """The text on stdin. Raises InputError where it is none, be it that Python lets its bytes pass."""
    try:
        text = sys.stdin.read()
        text.encode()
    except (UnicodeDecodeError, UnicodeEncodeError) as error:
        raise InputError(f"stdin: not text in {error.encoding}; save it as UTF-8") from error
    return text


def print_json(document: Mapping[str, object], version: int = 1) -> None:
    """One JSON document on stdout, as the command's schema in `docs/schemas/` describes it.

    A version grows when a field goes or changes its meaning, not when one is added. What the encoding of stdout has not
    is escaped as JSON does.
    """
    text = json.dumps({"version": version, **document}, indent=1, ensure_ascii=False)
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        text = json.dumps({"version": version, **document}, indent=1)
    print(text)
