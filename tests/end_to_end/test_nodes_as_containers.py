"""Nodes run one by one, as containers run them, against a metadata store in a real PostgreSQL."""

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.end_to_end.project import Project, copy_stories

SERVERS = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"))
PASSWORD = "only-for-this-test"


@pytest.fixture
def postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a server of our own on loopback, stopped afterwards."""
    if not SERVERS or os.geteuid() != 0:
        pytest.skip("needs root and Debian's postgresql (make debian)")
    # PostgreSQL refuses to run as root, and its user must reach the folder.
    folder = Path("/tmp") / f"gpt2-tfx-postgresql-{os.getpid()}"
    folder.mkdir()
    shutil.chown(folder, "postgres", "postgres")
    (folder / "password").write_text(PASSWORD)
    shutil.chown(folder / "password", "postgres")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]

    def control(*arguments: str) -> None:
        command = ["runuser", "-u", "postgres", "--", *arguments]
        subprocess.run(command, check=True, cwd=folder, timeout=120, stdout=subprocess.DEVNULL)

    data, server = str(folder / "data"), SERVERS[-1]
    control(
        str(server.with_name("initdb")), "-D", data, "-U", "tfx", "--auth=scram-sha-256",
        f"--pwfile={folder / 'password'}",
    )  # fmt: skip
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder}"
    control(str(server), "-D", data, "-o", options, "-l", str(folder / "log"), "-w", "start")
    try:
        yield port
    finally:
        control(str(server), "-D", data, "-m", "immediate", "-w", "stop")
        shutil.rmtree(folder)


def test_nodes_run_in_processes_of_their_own_and_are_reused_by_the_next_run(
    postgresql: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STORE_PASSWORD", PASSWORD)
    copy_stories(tmp_path / "stories", train=4, validation=1, test=1)
    store = f"postgresql://tfx:$STORE_PASSWORD@127.0.0.1:{postgresql}/postgres"
    corpus = {"task": "cnn_dailymail", "path": "stories"}
    project = Project(tmp_path, {"corpus": corpus, "store": store})

    too_early = project.call("node", "StatisticsGen", "--run-id", "first")
    assert too_early.returncode == 2
    assert "CorpusGen" in too_early.stderr
    for node in ("CorpusGen", "StatisticsGen"):
        done = project.call("node", node, "--run-id", "first")
        assert done.returncode == 0, done.stderr
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
