"""A run is killed, or its disk is full, when a seed or a size says so; the end is that of an undisturbed run."""

import contextlib
import random
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.outcomes import (
    begin,
    kill,
    leftovers,
    outcome,
    processes_below,
    tiny_project,
    wait_until_gone,
)

# So many runs of one history are killed, before one is left alone.
KILLS = 5
ROOM = 512 * 1024**2


@dataclass(frozen=True)
class Undisturbed:
    """What a run comes to that nobody disturbs, the seconds that it takes and the bytes of its workspace."""

    outcome: dict[str, Any]
    seconds: float
    used: int


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    project = tiny_project(tmp_path_factory.mktemp("undisturbed"))
    began = time.monotonic()
    project.run()
    seconds = time.monotonic() - began
    used = sum(path.stat().st_blocks * 512 for path in project.workspace.rglob("*"))
    return Undisturbed(outcome(project), seconds, used)


@pytest.mark.parametrize(
    "seed", [0, *(pytest.param(seed, marks=pytest.mark.long) for seed in range(1, 40))]
)
def test_a_history_of_kills_ends_as_an_undisturbed_run(
    seed: int, undisturbed: Undisturbed, tmp_path: Path
) -> None:
    dice, project = random.Random(seed), tiny_project(tmp_path)
    for _ in range(KILLS):
        run = begin(project)
        with contextlib.suppress(subprocess.TimeoutExpired):
            run.wait(dice.uniform(0, undisturbed.seconds))
        below = processes_below(run.pid)
        # The run alone, whatever it has started, one of these, or all at once.
        victims = dice.choice(
            [[run.pid], below, dice.sample(below, min(1, len(below))), [run.pid, *below]]
        )
        for victim in victims:
            kill(victim)
        run.communicate(timeout=120)
        wait_until_gone(below)
    project.run()
    assert outcome(project) == undisturbed.outcome
    assert leftovers(project) == []
    assert set(project.run().values()) == {"cached"}


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


# Shares of what a run writes: each ends another write.
@pytest.mark.long
@pytest.mark.parametrize("share", [number / 50 for number in range(50)])
def test_a_full_disk_is_said_and_loses_nothing(
    share: float, undisturbed: Undisturbed, tmp_path: Path, disk: Disk
) -> None:
    project = tiny_project(tmp_path)
    disk.resize(max(int(undisturbed.used * share), 4096))
    failed = project.call("run")
    assert failed.returncode == 1, failed.stderr
    assert "o space left on device" in failed.stderr or "is full" in failed.stderr
    assert "Traceback" not in _said(failed.stderr)
    assert project.call("status").returncode in (0, 1)
    disk.resize(ROOM)
    project.run()
    assert outcome(project) == undisturbed.outcome
    assert leftovers(project) == []


def _said(stderr: str) -> str:
    """What the command itself says; the end of a log that it shows is indented."""
    return "\n".join(line for line in stderr.splitlines() if ":   " not in line)
