"""`run --watch`: run, and again whenever what a run depends on has changed."""

import argparse
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NoReturn, Protocol

from pipeline.arguments import selection_of
from pipeline.changes import Changes
from pipeline.code_snapshot import LOCKS, PACKAGES, PROJECT_ROOT, read_snapshot
from pipeline.commands.plan import make_plan
from pipeline.config_reading import load_config
from pipeline.nodes import node_table
from preprocessing.base.errors import FailureError, InputError
from serving.versions import LATEST

# A run that is interrupted ends its node well and records how it ended; then it is killed.
_SECONDS_TO_END = 20.0


class Watcher(Protocol):
    """What `Changes` does."""

    def watch(self, places: Iterable[Path], ignored: Path) -> None: ...
    def wait(self) -> None: ...
    def close(self) -> None: ...


def watch(arguments: argparse.Namespace, watcher: Watcher | None = None) -> int:
    """Run whenever something is out of date, until Ctrl-C or SIGTERM ends it."""
    changes = watcher or Changes(_say)
    run = _Run(arguments)
    try:
        _watch(arguments, changes, run.do)
    except KeyboardInterrupt:
        if not run.end():
            _say("no longer watching")
        return 0
    finally:
        changes.close()


def _watch(arguments: argparse.Namespace, changes: Watcher, run: Callable[[], None]) -> NoReturn:
    tried: set[str] = set()
    code = _code()
    while True:
        # Before the plan is made, so that nothing changes between the two.
        changes.watch(*_places(arguments))
        found, now = _out_of_date(arguments), _code()
        # What failed is tried again only when it would be another run. Code that no node reaches makes one too: it
        # decides what runs, and what is recorded.
        if now != code or (found and found != tried):
            run()
        tried, code = found, now
        changes.wait()


class _Run:
    """One run at a time, in a process of its own: by the code as it is then, not as this process has imported it.

    A run's mistakes are told by itself and end nothing: the next change may mend them.
    """

    def __init__(self, arguments: argparse.Namespace) -> None:
        given = [given for given in arguments.given if not _is_watch(given)]
        self._command = [sys.executable, "-m", "pipeline", *given]
        self._process: subprocess.Popen[bytes] | None = None

    def do(self) -> None:
        # Ctrl-C is for who watches, which passes it on once.
        self._process = subprocess.Popen(self._command, stdin=subprocess.DEVNULL, process_group=0)
        self._process.wait()
        self._process = None

    def end(self) -> bool:
        """Interrupt what runs, and wait until it has ended; whether it was there, and has said so itself."""
        process = self._process
        if process is None:
            return False
        process.terminate()
        try:
            process.wait(_SECONDS_TO_END)
        except subprocess.TimeoutExpired:
            pass
        finally:
            process.kill()
        return process.wait() >= 0


def _is_watch(argument: str) -> bool:
    """Whether an argument is --watch, or short for it as argparse takes it."""
    return argument.startswith("--w") and "--watch".startswith(argument)


def _places(arguments: argparse.Namespace) -> tuple[list[Path], Path]:
    """What a run depends on: the configuration, what its nodes read from outside, the code; and where it writes."""
    places = [arguments.config, *(PROJECT_ROOT / name for name in (*PACKAGES, *LOCKS))]
    try:
        loaded = load_config(arguments.config, arguments.overrides)
        nodes = selection_of(arguments).scope(node_table(loaded.config)).nodes
    except InputError:
        # No run does anything.
        return places, arguments.config.absolute().parent / "workspace"
    found = {e.locate(loaded) for node in nodes for e in node.externals.values()}
    # What ships has a name for a place.
    outside = [Path(place) for place in found if place and Path(place).is_absolute()]
    return [*places, *outside], loaded.workspace


def _out_of_date(arguments: argparse.Namespace) -> set[str]:
    """What a run would do now: nodes and keys that are out of date, a move of `latest`, or the text of a mistake."""
    try:
        # What is learned about files is kept: this is done again and again.
        steps, pointer = make_plan(arguments)
    except (InputError, FailureError) as error:
        return {str(error)}
    found = {f"{step.node.name}:{step.key}" for step in steps if step.action == "run"}
    if pointer.moves:
        found.add(f"{LATEST}:{pointer.after}")
    return found


def _code() -> str:
    """The digest of the code as it is now; empty while it is being replaced."""
    try:
        return read_snapshot().digest
    except OSError:
        return ""


def _say(text: str) -> None:
    print(f"gpt2-tfx: {text}", file=sys.stderr, flush=True)
