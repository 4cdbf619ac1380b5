import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pipeline.temporary_folder import TemporaryFolder

# Makes one, says where it is, and waits to be killed.
HOLD = (
    "from pipeline.temporary_folder import TemporaryFolder\n"
    "folder = TemporaryFolder()\n"
    "print(folder.path, flush=True)\n"
    "input()\n"
)


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary files go in the test."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    return tmp_path


def age(path: Path) -> None:
    """Make it look an hour old."""
    hour_ago = time.time() - 3600
    os.utime(path, (hour_ago, hour_ago))


def test_is_gone_with_all_that_is_in_it_after_it_was_closed(place: Path) -> None:
    folder = TemporaryFolder()
    assert folder.path.parent == place
    (folder.path / "left" / "behind").mkdir(parents=True)
    folder.close()
    assert list(place.iterdir()) == []


def test_of_a_process_that_was_killed_goes_when_the_next_is_made(place: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        held = Path(holder.stdout.readline().strip())
        age(held)
        TemporaryFolder().close()
        assert held.is_dir()
        holder.kill()
    TemporaryFolder().close()
    assert list(place.iterdir()) == []


def test_leaves_what_is_young_what_is_a_link_and_what_has_another_name(place: Path) -> None:
    (place / "gpt2-tfx-nodes-young").mkdir()
    target = place / "elsewhere"
    target.mkdir()
    (place / "gpt2-tfx-nodes-link").symlink_to(target)
    age(target)
    TemporaryFolder().close()
    assert {path.name for path in place.iterdir()} == {
        "gpt2-tfx-nodes-young",
        "gpt2-tfx-nodes-link",
        "elsewhere",
    }
