"""A real PostgreSQL for tests, on loopback and in a folder of its own."""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SERVERS = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"))
PASSWORD = "only-for-this-test"


class PostgreSQL:
    """A server; `new_database` gives the URL of an empty database, with its password in the environment."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._data = str(folder / "data")
        self._made = 0
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = probe.getsockname()[1]

    def new_database(self) -> str:
        self._made += 1
        name = f"test{self._made}"
        self._client("createdb", name)
        return f"postgresql://tfx:$STORE_PASSWORD@127.0.0.1:{self._port}/{name}"

    def disconnect(self, url: str) -> None:
        """End every connection to a database."""
        name = url.rpartition("/")[2]
        self._do(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")

    def allow_connections(self, url: str, allowed: bool) -> None:
        """Whether new connections to a database are let in."""
        self._do(f"ALTER DATABASE {url.rpartition('/')[2]} ALLOW_CONNECTIONS {allowed}")

    def make(self) -> None:
        """Make its files. PostgreSQL refuses to run as root, and its user must reach the folder."""
        shutil.chown(self._folder, "postgres", "postgres")
        password = self._folder / "password"
        password.write_text(PASSWORD)
        shutil.chown(password, "postgres")
        initdb = str(SERVERS[-1].with_name("initdb"))
        self._as_its_user(
            initdb, "-D", self._data, "-U", "tfx", "--auth=scram-sha-256", f"--pwfile={password}"
        )

    def start(self) -> None:
        """Start it, and wait until it answers."""
        options = (
            f"-p {self._port} -c listen_addresses=127.0.0.1 "
            f"-c unix_socket_directories={self._folder}"
        )
        log = str(self._folder / "log")
        self._as_its_user(
            str(SERVERS[-1]), "-D", self._data, "-o", options, "-l", log, "-w", "start"
        )

    def stop(self, mode: str = "immediate") -> None:
        """Stop it: `fast` ends its connections, `immediate` does not even say so."""
        self._as_its_user(str(SERVERS[-1]), "-D", self._data, "-m", mode, "-w", "stop")

    def _do(self, statement: str) -> None:
        self._client("psql", "-d", "postgres", "-c", statement)

    def _client(self, tool: str, *arguments: str) -> None:
        address = ["-h", "127.0.0.1", "-p", str(self._port), "-U", "tfx"]
        subprocess.run(
            [str(SERVERS[-1].with_name(tool)), *address, *arguments],
            check=True,
            timeout=60,
            env={**os.environ, "PGPASSWORD": PASSWORD},
            stdout=subprocess.DEVNULL,
        )

    def _as_its_user(self, *command: str) -> None:
        subprocess.run(
            ["runuser", "-u", "postgres", "--", *command],
            check=True,
            cwd=self._folder,
            timeout=120,
            stdout=subprocess.DEVNULL,
        )


@contextmanager
def running_postgresql() -> Iterator[PostgreSQL]:
    """A server that is stopped and removed afterwards."""
    # Where any user reaches it; in memory where that is one, since PostgreSQL waits for its disk.
    shared = "/dev/shm" if Path("/dev/shm").is_dir() else "/tmp"
    folder = Path(tempfile.mkdtemp(prefix="gpt2-tfx-postgresql-", dir=shared))
    server = PostgreSQL(folder)
    server.make()
    server.start()
    try:
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder)
