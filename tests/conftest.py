"""Fixtures shared by every test."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.framework_imports import quiet_tensorflow, take_tfx_in_parts
from pipeline.temporary_folder import TemporaryFolder
from tests import mariadb as mariadb_parts
from tests.browser import CHROMIUM, DRIVER, Browser, running_browser
from tests.mariadb import MariaDB, running_mariadb
from tests.postgresql import PASSWORD, SERVERS, PostgreSQL, running_postgresql

# A test finds nothing in the user's cache, and leaves nothing there.
os.environ["TF_XLA_FLAGS"] = "--tf_xla_persistent_cache_directory="

# As every process of ours begins.
quiet_tensorflow()
take_tfx_in_parts()

ROOT = Path(__file__).resolve().parent.parent
GENUINE = ROOT.parent / "shared" / "data"


# Where there is so much of it, temporary files are kept in memory.
_MEMORY, _MEMORY_BYTES = Path("/dev/shm"), 4 * 1024**3


def pytest_configure(config: pytest.Config) -> None:
    """Spare the tests the disk: those of the store wait for it longer than they compute.

    What libraries leave among temporary files (Beam, AutoGraph) goes when the session ends.
    """
    roomy = _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free > _MEMORY_BYTES
    place = str(_MEMORY) if roomy else tempfile.gettempdir()
    # What failed tests have made stays, so it lies beside.
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", place)
    # A worker of xdist inherits the folder of the session; that of one which was killed goes when the next begins.
    if not hasattr(config, "workerinput"):
        tempfile.tempdir = place
        folder = TemporaryFolder()
        config.add_cleanup(folder.close)
        # Tests run programs as other users too.
        folder.path.chmod(0o1777)
        os.environ["TMPDIR"] = str(folder.path)
        tempfile.tempdir = None


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """One browser for all tests."""
    if not (CHROMIUM.exists() and DRIVER.exists()):
        pytest.skip("needs Debian's chromium and chromium-driver (make debian)")
    with running_browser(tmp_path_factory.mktemp("profile")) as found:
        yield found


@pytest.fixture
def genuine() -> Path:
    """The folder of small genuine samples, where a checkout has them beside it."""
    if not GENUINE.is_dir():
        pytest.skip(f"no genuine samples at {GENUINE}")
    return GENUINE


@pytest.fixture
def root() -> Path:
    """The root of the checkout."""
    return ROOT


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[PostgreSQL]:
    """A PostgreSQL of our own on loopback."""
    if not SERVERS or os.geteuid() != 0:
        pytest.skip("needs root and Debian's postgresql (make debian)")
    with running_postgresql() as server:
        yield server


@pytest.fixture
def postgresql(postgresql_server: PostgreSQL, monkeypatch: pytest.MonkeyPatch) -> str:
    """The URL of an empty database of its own; its password comes from the environment."""
    monkeypatch.setenv("STORE_PASSWORD", PASSWORD)
    return postgresql_server.new_database()


@pytest.fixture(scope="session")
def mariadb_server() -> Iterator[MariaDB]:
    """A MariaDB of our own on loopback."""
    if mariadb_parts.SERVER is None or mariadb_parts.INSTALL is None:
        pytest.skip("needs Debian's mariadb-server-core and mariadb-client-core (make debian)")
    with running_mariadb() as server:
        yield server


@pytest.fixture
def mariadb(mariadb_server: MariaDB, monkeypatch: pytest.MonkeyPatch) -> str:
    """The URL of an empty database of its own; its password comes from the environment."""
    monkeypatch.setenv("STORE_PASSWORD", mariadb_parts.PASSWORD)
    return mariadb_server.new_database()
