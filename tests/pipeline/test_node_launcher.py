"""When a run starts the server of its nodes' processes, and which nodes it names to it."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from pipeline import node_launcher, runner
from pipeline.config import Config
from pipeline.nodes import node_table
from pipeline.planning import Step, World, plan
from pipeline.selection import Scope, Selection
from tests.pipeline.launches import Launches

ALL = [node.name for node in node_table(Config())]


@pytest.fixture
def started(launches: Launches, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The nodes that were named to each server that was started."""
    named: list[list[str]] = []
    launch = launches.launch

    class Server:
        def __init__(self, code: Path, nodes: Sequence[str], log: Path | None) -> None:
            assert (code / "pipeline" / "node_server.py").exists()
            named.append(list(nodes))

        run = staticmethod(launch)

        def close(self) -> None: ...

    monkeypatch.setattr(node_launcher, "NodeServer", Server)
    monkeypatch.setattr(launches, "launch", None)
    return named


def test_it_starts_before_the_first_plan(
    launches: Launches, started: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """That plan reads all code, and the imports can go on meanwhile."""
    before_plan: list[list[str]] = []

    def planned(scope: Scope, world: World) -> list[Step]:
        before_plan.extend(started)
        return plan(scope, world)

    monkeypatch.setattr(runner, "plan", planned)
    launches.run("run-1")
    assert launches.launched == ALL
    assert before_plan == started == [ALL]


def test_there_is_none_where_nothing_runs(launches: Launches, started: list[list[str]]) -> None:
    launches.run("run-1")
    started.clear()
    launches.run("run-2")
    assert started == []


def test_it_is_told_what_may_run(launches: Launches, started: list[list[str]]) -> None:
    launches.run("run-1")
    started.clear()
    launches.run("run-2", Selection(forced=("Attest",)))
    assert launches.launched == ["Attest"]
    assert started == [["Attest", "Pusher"]]


def test_a_container_s_is_for_its_node_alone(launches: Launches, started: list[list[str]]) -> None:
    launches.node("run-1", "CorpusGen")
    launches.node("run-1", "StatisticsGen")
    assert started == [["CorpusGen"], ["StatisticsGen"]]
