"""The disk of the workspace is full: the run says so and loses nothing, and with room again the next one goes on."""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.outcomes import leftovers, outcome, tiny_project

ROOM = 512 * 1024**2


class Disk:
    """A file system of its own over a workspace, whose size can be changed."""

    def __init__(self, place: Path) -> None:
        self._place = place
        place.mkdir(parents=True)
        self._mount("-t", "tmpfs", "-o", "size=1M", "none", str(place))

    def resize(self, size: int) -> None:
        self._mount("-o", f"remount,size={size}", str(self._place))

    def close(self) -> None:
        subprocess.run(["umount", "--lazy", str(self._place)], check=True)

    def _mount(self, *arguments: str) -> None:
        subprocess.run(["mount", *arguments], check=True, capture_output=True)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    try:
        made = Disk(tmp_path / "workspace")
    except (subprocess.CalledProcessError, OSError) as error:
        pytest.skip(f"needs the right to mount: {error}")
    yield made
    made.close()


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], int]:
    """What a run comes to that has room, and the bytes of its workspace."""
    project = tiny_project(tmp_path_factory.mktemp("undisturbed"))
    project.run()
    used = sum(path.stat().st_blocks * 512 for path in project.workspace.rglob("*"))
    return outcome(project), used


# Shares of what a run writes: each ends another write.
@pytest.mark.parametrize(
    "share",
    [0.7, *(pytest.param(number / 50, marks=pytest.mark.long) for number in range(50))],
)
def test_a_full_disk_is_said_and_loses_nothing(
    share: float, undisturbed: tuple[dict[str, Any], int], tmp_path: Path, disk: Disk
) -> None:
    expected, used = undisturbed
    project = tiny_project(tmp_path)
    disk.resize(max(int(used * share), 4096))
    failed = project.call("run")
    assert failed.returncode == 1, failed.stderr
    assert "o space left on device" in failed.stderr or "is full" in failed.stderr
    assert "Traceback" not in _said(failed.stderr)
    assert project.call("status").returncode in (0, 1)
    disk.resize(ROOM)
    project.run()
    assert outcome(project) == expected
    assert leftovers(project) == []


def _said(stderr: str) -> str:
    """What the command itself says; the end of a log that it shows is indented."""
    return "\n".join(line for line in stderr.splitlines() if ":   " not in line)
