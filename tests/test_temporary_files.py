import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.conftest import pytest_configure


def test_what_tests_leave_among_temporary_files_goes_when_the_session_ends(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("TMPDIR", "PYTEST_DEBUG_TEMPROOT"):
        monkeypatch.setenv(name, os.environ[name])
    monkeypatch.setattr("tempfile.tempdir", tempfile.gettempdir())
    at_the_end: list[Callable[[], Any]] = []
    session: Any = SimpleNamespace(add_cleanup=at_the_end.append)
    pytest_configure(session)
    left = Path(tempfile.mkdtemp(prefix="beam-temp"))
    assert left.parent == Path(os.environ["TMPDIR"])
    # Those of failed tests lie beside, and stay.
    assert not Path(os.environ["PYTEST_DEBUG_TEMPROOT"]).is_relative_to(left.parent)
    for do in at_the_end:
        do()
    assert not left.parent.exists()


def test_a_worker_takes_the_folder_of_its_session() -> None:
    place = tempfile.gettempdir()
    worker: Any = SimpleNamespace(workerinput={})
    pytest_configure(worker)
    assert tempfile.gettempdir() == place
