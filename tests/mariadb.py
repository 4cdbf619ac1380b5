"""A real MariaDB for tests, on loopback and in a folder of its own."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pymysql

SERVER = shutil.which("mariadbd") or shutil.which("mariadbd", path="/usr/sbin")
INSTALL = shutil.which("mariadb-install-db")
PASSWORD = "only-for-this-test"


class MariaDB:
    """A server; `new_database` gives the URL of an empty database, with its password in the environment."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._made = 0
        # How many connections `disconnect` has ended.
        self.ended = 0
        self._server: subprocess.Popen[bytes] | None = None
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = probe.getsockname()[1]

    def new_database(self, charset: str = "utf8mb4 COLLATE utf8mb4_nopad_bin") -> str:
        self._made += 1
        name = f"test{self._made}"
        self.do(f"CREATE DATABASE {name} CHARACTER SET {charset}")
        return f"mariadb://tfx:$STORE_PASSWORD@127.0.0.1:{self._port}/{name}"

    def disconnect(self, url: str) -> None:
        """End every connection to a database."""
        name = url.rpartition("/")[2]
        query = f"SELECT id FROM information_schema.processlist WHERE db = '{name}'"
        for (number,) in self.do(query):
            # It may have ended by itself meanwhile.
            with suppress(pymysql.OperationalError):
                self.do(f"KILL CONNECTION {number}")
                self.ended += 1

    def allow_connections(self, url: str, allowed: bool) -> None:
        """Whether new connections are let in, to any database."""
        self.do(f"ALTER USER tfx@'%' ACCOUNT {'UNLOCK' if allowed else 'LOCK'}")

    def do(self, statement: str) -> list[tuple[object, ...]]:
        """The rows of a statement."""
        with (
            pymysql.connect(unix_socket=str(self._socket), user="root") as connection,
            connection.cursor() as cursor,
        ):
            cursor.execute(statement)
            return list(cursor.fetchall())

    @property
    def _socket(self) -> Path:
        return self._folder / "socket"

    def make(self) -> None:
        """Make its files."""
        assert INSTALL is not None
        options = ("--auth-root-authentication-method=normal", "--skip-test-db")
        self._run_once(INSTALL, f"--datadir={self._folder / 'data'}", *options)

    def start(self) -> None:
        """Start it, and wait until it answers."""
        command = [
            str(SERVER),
            "--no-defaults",
            *self._user(),
            f"--datadir={self._folder / 'data'}",
            f"--socket={self._socket}",
            f"--pid-file={self._folder / 'pid'}",
            "--bind-address=127.0.0.1",
            f"--port={self._port}",
            f"--log-error={self._folder / 'log'}",
        ]
        self._server = subprocess.Popen(
            command, cwd=self._folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        for _ in range(600):
            try:
                self.do(f"GRANT ALL ON *.* TO tfx@'%' IDENTIFIED BY '{PASSWORD}'")
                return
            except pymysql.OperationalError:
                assert self._server.poll() is None, (self._folder / "log").read_text()
                time.sleep(0.05)
        raise AssertionError((self._folder / "log").read_text())

    def stop(self, mode: str = "immediate") -> None:
        """Stop it: `fast` ends its connections, `immediate` does not even say so."""
        assert self._server is not None
        self._server.send_signal(signal.SIGTERM if mode == "fast" else signal.SIGKILL)
        self._server.wait(60)

    def _user(self) -> list[str]:
        return ["--user=root"] if os.geteuid() == 0 else []

    def _run_once(self, program: str, *options: str) -> None:
        subprocess.run(
            [program, "--no-defaults", *self._user(), *options],
            check=True,
            cwd=self._folder,
            timeout=120,
            stdout=subprocess.DEVNULL,
        )


@contextmanager
def running_mariadb() -> Iterator[MariaDB]:
    """A server that is stopped and removed afterwards."""
    # In memory where there is one, since a database waits for its disk.
    shared = "/dev/shm" if Path("/dev/shm").is_dir() else "/tmp"
    folder = Path(tempfile.mkdtemp(prefix="gpt2-tfx-mariadb-", dir=shared))
    server = MariaDB(folder)
    server.make()
    server.start()
    try:
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder)
