"""What is said of a node that failed."""

import argparse
import os
import shlex
import sys
from pathlib import Path

from pipeline.node_process import NodeFailureError

# So much of a log is shown.
_LOG_LINES, _LINE_BYTES = 12, 500


def report_failure(failure: NodeFailureError, again: str) -> int:
    """Say why a node failed and what goes on from there; returns the exit status."""
    lines = failure.message.splitlines()
    if not failure.user_error and failure.log is not None:
        ended = last_lines(failure.log, _LOG_LINES)
        lines += [f"its log, {failure.log}, ends:", *(f"  {line}" for line in ended)]
    for line in lines:
        print(f"gpt2-tfx: {failure.node}: {line}", file=sys.stderr)
    print(f"gpt2-tfx: `{again}` goes on from there", file=sys.stderr)
    return 2 if failure.user_error else 1


def last_lines(log: Path, count: int) -> list[str]:
    """The last lines of a log, of which no more is read than they can be long."""
    try:
        with log.open("rb") as opened:
            size = opened.seek(0, os.SEEK_END)
            opened.seek(max(0, size - count * _LINE_BYTES))
            return opened.read().decode(errors="replace").splitlines()[-count:]
    except OSError as error:
        return [f"(cannot be read: {error.strerror})"]


def command_line(arguments: argparse.Namespace) -> str:
    """`gpt2-tfx` with the configuration of a call, to which a command can be added."""
    parts = ["gpt2-tfx"]
    if str(arguments.config) != "pipeline.yaml":
        parts += ["--config", str(arguments.config)]
    for override in arguments.overrides:
        parts += ["--set", override]
    return shlex.join(parts)
