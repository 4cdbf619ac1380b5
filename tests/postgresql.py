"""A real PostgreSQL for tests, on loopback and in a folder of its own."""

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SERVERS = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"))
PASSWORD = "only-for-this-test"


class PostgreSQL:
    """A running server; `new_database` gives the URL of an empty database, with its password in the environment."""

    def __init__(self, folder: Path, port: int) -> None:
        self._folder = folder
        self._port = port
        self._made = 0

    def new_database(self) -> str:
        self._made += 1
        name = f"test{self._made}"
        tool = str(SERVERS[-1].with_name("createdb"))
        address = ["-h", "127.0.0.1", "-p", str(self._port), "-U", "tfx"]
        environment = {**os.environ, "PGPASSWORD": PASSWORD}
        subprocess.run([tool, *address, name], check=True, timeout=60, env=environment)
        return f"postgresql://tfx:$STORE_PASSWORD@127.0.0.1:{self._port}/{name}"


@contextmanager
def running_postgresql() -> Iterator[PostgreSQL]:
    """A server that is stopped and removed afterwards."""
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
        yield PostgreSQL(folder, port)
    finally:
        control(str(server), "-D", data, "-m", "immediate", "-w", "stop")
        shutil.rmtree(folder)
