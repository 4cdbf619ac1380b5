"""Where the time of a training goes."""

import pytest

from trainer import part_times
from trainer.part_times import PartTimes


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that the clock shows, in a list of one."""
    now = [100.0]
    monkeypatch.setattr(part_times.time, "perf_counter", lambda: now[0])
    return now


def test_every_moment_belongs_to_one_part(clock: list[float]) -> None:
    times = PartTimes("reading")
    for part, now in (("steps", 103.0), ("validation", 110.0), ("steps", 111.0)):
        clock[0] = now
        times.begin(part)
    clock[0] = 116.0
    times.end()
    assert times.seconds == {"reading": 3.0, "steps": 12.0, "validation": 1.0}
    assert sum(times.seconds.values()) == 116.0 - 100.0


def test_what_was_before_is_added(clock: list[float]) -> None:
    times = PartTimes("reading")
    times.add({"reading": 2.0, "steps": 5.0})
    clock[0] = 101.0
    times.begin("steps")
    assert times.seconds == {"reading": 3.0, "steps": 5.0}
