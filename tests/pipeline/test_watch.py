"""`run --watch`: each run is a process of its own, on the code as it is then."""

import argparse
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pipeline.cli import main
from pipeline.code_snapshot import read_snapshot
from pipeline.commands import run
from pipeline.serving_pointer import ServingPointer
from tests.pipeline.launches import Launches


class StoppedError(Exception):
    """The test has seen enough."""


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The processes that are started instead of doing anything."""
    commands: list[list[str]] = []
    monkeypatch.setattr(
        subprocess, "run", lambda command, **_: commands.append([str(part) for part in command])
    )
    return commands


def watch(
    monkeypatch: pytest.MonkeyPatch, config: Path, *rounds: Any, last: str = "Tokenizer"
) -> None:
    """Watch for some rounds; before each one something may happen."""
    left = iter(rounds)

    def sleep(_: float) -> None:
        try:
            next(left)()
        except StopIteration:
            raise StoppedError from None

    # Of this module alone: what is done before a round may sleep itself.
    monkeypatch.setattr(run, "time", SimpleNamespace(sleep=sleep))
    with pytest.raises(StoppedError):
        main(["--config", str(config), "run", "--watch", "--to", last])


def nothing() -> None: ...


def test_each_run_is_a_new_process_with_the_same_arguments(
    config_file: Path, started: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    watch(monkeypatch, config_file, nothing)
    again = ["--config", str(config_file), "run", "--to", "Tokenizer"]
    assert started == [[sys.executable, "-m", "pipeline", *again]]


def test_a_change_of_the_corpus_starts_another(
    config_file: Path, started: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    edited = config_file.parent / "corpus" / "one.txt"
    watch(monkeypatch, config_file, nothing, lambda: edited.write_text("Other prose.\n"), nothing)
    assert len(started) == 2


def test_an_edit_of_code_that_no_node_reaches_starts_another(
    config_file: Path, started: list[list[str]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    project = read_snapshot().write(tmp_path / "project")
    monkeypatch.setattr(run, "read_snapshot", lambda: read_snapshot(project))
    runner = project / "pipeline" / "runner.py"
    watch(monkeypatch, config_file, nothing, lambda: runner.write_text("edited = 1\n"), nothing)
    assert len(started) == 2


def test_a_rollback_is_left_alone_and_each_release_starts_a_run(
    launches: Launches, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[argparse.Namespace] = []
    monkeypatch.setattr(run, "_run_in_new_process", started.append)
    launches.results["Trainer"] = "one"
    one = launches.run("run-1", None, "training.steps=9").pushed
    launches.results["Trainer"] = "two"
    launches.run("run-2")
    pointer = ServingPointer(launches.store, launches.versions)
    counts: list[int] = []

    def then(*actions: Any) -> Any:
        def act() -> None:
            counts.append(len(started))
            for action in actions:
                action()

        return act

    def roll_back() -> None:
        pointer.roll_back(str(one), "me")

    def release() -> None:
        pointer.release("me")

    def what_the_run_does() -> None:
        launches.run(f"run-{len(started) + 2}")

    watch(
        monkeypatch,
        launches.config_file,
        *(then(roll_back), then(release), then(what_the_run_does)),
        *(then(roll_back), then(release), then(what_the_run_does), then()),
        last="Pusher",
    )
    assert counts == [0, 0, 1, 1, 1, 2, 2]
