"""Nodes run one by one, as containers run them, against a metadata store in a real PostgreSQL and MariaDB."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.project import Project, copy_stories
from tests.postgresql import PASSWORD


@contextmanager
def losing_connections(server: Any, url: str) -> Iterator[None]:
    """Every connection to a database ends again and again, those of TFX too."""
    ended = threading.Event()

    def lose() -> None:
        while not ended.wait(0.7):
            server.disconnect(url)

    thread = threading.Thread(target=lose)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


@pytest.mark.parametrize("store", ["postgresql", pytest.param("mariadb", marks=pytest.mark.long)])
def test_nodes_run_in_processes_of_their_own_and_are_reused_by_the_next_run(
    request: pytest.FixtureRequest, store: str, tmp_path: Path
) -> None:
    url, server = request.getfixturevalue(store), request.getfixturevalue(f"{store}_server")
    copy_stories(tmp_path / "stories", train=4, validation=1, test=1)
    # More than PostgreSQL can index in one property, ours or TFX's own.
    exclude = [f"{number:064x}" for number in range(150)]
    corpus = {"task": "cnn_dailymail", "path": "stories", "exclude": exclude}
    project = Project(tmp_path, {"corpus": corpus, "store": url})

    too_early = project.call("node", "StatisticsGen", "--run-id", "first")
    assert too_early.returncode == 2
    assert "CorpusGen" in too_early.stderr
    done = project.call("node", "CorpusGen", "--run-id", "first")
    assert done.returncode == 0, done.stderr
    with losing_connections(server, url):
        done = project.call("node", "StatisticsGen", "--run-id", "first")
    assert done.returncode == 0, done.stderr
    if store == "postgresql":
        assert "terminating connection" in done.stderr
    else:  # Its client says nothing of it.
        assert server.ended > 1
    done = project.call("node", "CorpusGen", "--run-id", "second")
    assert done.returncode == 0, done.stderr

    runs = {run["run_id"]: run for run in project.json("status")["runs"]}
    states = {
        name: {node["node"]: node["state"] for node in run["nodes"]} for name, run in runs.items()
    }
    assert states["first"]["CorpusGen"] == states["first"]["StatisticsGen"] == "run"
    assert states["second"]["CorpusGen"] == "cached"
    # The store is the server's: no SQLite file, and the password stands in no file of the workspace.
    assert not (project.workspace / "metadata.sqlite").exists()
    written = [path for path in project.workspace.rglob("*") if path.is_file()]
    assert written
    assert not [path for path in written if PASSWORD.encode() in path.read_bytes()]
