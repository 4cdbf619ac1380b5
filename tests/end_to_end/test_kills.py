"""Processes of a run are killed at moments that a seed chooses; the end is that of an undisturbed run."""

import contextlib
import random
import subprocess
import time
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

# So many runs are killed of one history, before one is left alone.
KILLS = 5


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], float]:
    """What a run comes to that nobody disturbs, and the seconds that it takes."""
    project = tiny_project(tmp_path_factory.mktemp("undisturbed"))
    began = time.monotonic()
    project.run()
    return outcome(project), time.monotonic() - began


@pytest.mark.parametrize(
    "seed", [0, *(pytest.param(seed, marks=pytest.mark.long) for seed in range(1, 40))]
)
def test_a_history_of_kills_ends_as_an_undisturbed_run(
    seed: int, undisturbed: tuple[dict[str, Any], float], tmp_path: Path
) -> None:
    expected, seconds = undisturbed
    dice, project = random.Random(seed), tiny_project(tmp_path)
    for _ in range(KILLS):
        run = begin(project)
        with contextlib.suppress(subprocess.TimeoutExpired):
            run.wait(dice.uniform(0, seconds))
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
    assert outcome(project) == expected
    assert leftovers(project) == []
    assert set(project.run().values()) == {"cached"}
