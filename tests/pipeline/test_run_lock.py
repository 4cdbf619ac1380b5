import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pipeline.run_lock import WorkspaceBusyError, workspace_lock

HOLDER = (
    "import sys, time; from pathlib import Path\n"
    "from pipeline.run_lock import workspace_lock\n"
    "with workspace_lock(Path(sys.argv[1]), 'run-of-another', shared=sys.argv[2] == 'shared'):\n"
    "    print('held', flush=True)\n"
    "    time.sleep(60)\n"
)


@contextmanager
def held_by_another(root: Path, workspace: Path, how: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", HOLDER, str(workspace), how]
    with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        try:
            yield process
        finally:
            process.kill()


def test_a_second_holder_is_refused_and_told_who_holds_it(root: Path, tmp_path: Path) -> None:
    with (
        held_by_another(root, tmp_path, "alone") as other,
        pytest.raises(WorkspaceBusyError) as caught,
        workspace_lock(tmp_path, "mine"),
    ):
        pass
    message = str(caught.value)
    assert str(tmp_path) in message
    assert f'"pid": {other.pid}' in message
    assert '"run": "run-of-another"' in message


def test_it_is_free_after_its_owner_was_killed(root: Path, tmp_path: Path) -> None:
    with held_by_another(root, tmp_path, "alone") as other:
        os.kill(other.pid, signal.SIGKILL)
        other.wait()
        with workspace_lock(tmp_path, "mine"):
            assert json.loads((tmp_path / "lock").read_text())["run"] == "mine"


def test_it_is_free_after_its_owner_left_also_by_an_error(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), workspace_lock(tmp_path, "one"):
        raise ZeroDivisionError
    with workspace_lock(tmp_path, "two"):
        assert json.loads((tmp_path / "lock").read_text())["run"] == "two"


def test_a_refused_holder_leaves_the_owner_named(tmp_path: Path) -> None:
    with workspace_lock(tmp_path, "one"):
        with pytest.raises(WorkspaceBusyError), workspace_lock(tmp_path, "two"):
            pass
        assert json.loads((tmp_path / "lock").read_text())["run"] == "one"


def test_containers_of_a_run_share_it_and_a_run_waits_for_them(root: Path, tmp_path: Path) -> None:
    with held_by_another(root, tmp_path, "shared") as other:
        with (
            pytest.raises(WorkspaceBusyError, match=f'"pid": {other.pid}'),
            workspace_lock(tmp_path, "r"),
        ):
            pass
        with workspace_lock(tmp_path, "run-of-another", shared=True):
            assert json.loads((tmp_path / "lock").read_text())["pid"] == os.getpid()


def test_a_container_does_not_join_a_run_that_holds_it_alone(root: Path, tmp_path: Path) -> None:
    with (
        held_by_another(root, tmp_path, "alone"),
        pytest.raises(WorkspaceBusyError),
        workspace_lock(tmp_path, "r", shared=True),
    ):
        pass


def test_the_workspace_is_made(tmp_path: Path) -> None:
    with workspace_lock(tmp_path / "a" / "b", "r"):
        assert (tmp_path / "a" / "b" / "lock").is_file()
