"""Where the time of a training goes."""

import pytest

from trainer import part_times
from trainer.part_times import Pace, PartTimes


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


def test_a_training_has_taken_what_is_neither_before_nor_after_it(clock: list[float]) -> None:
    times = PartTimes("reading")
    parts = ["first_steps", "steps", "batches", "validation", "checkpoints"]
    times.add(dict.fromkeys(["reading", "model", "preparation", *parts, "export"], 1.0))
    assert times.of(*part_times.TRAINING) == len(parts)


def test_the_pace_is_that_of_steps_and_batches_after_the_first_call(clock: list[float]) -> None:
    times = PartTimes("first_steps")
    pace = Pace(times)
    nothing = (1, 0.0, 0.0)
    assert (pace.steps_in(9.0), pace.seconds_a_step, pace.tokens_per_second) == nothing
    clock[0] += 50.0
    pace.count(1, 10)
    assert (pace.steps_in(9.0), pace.seconds_a_step, pace.tokens_per_second) == nothing
    for part, seconds in (("validation", 30.0), ("steps", 3.0), ("batches", 1.0)):
        times.begin(part)
        clock[0] += seconds
    pace.count(2, 20)
    assert (pace.seconds_a_step, pace.tokens_per_second) == (2.0, 5.0)
    assert (pace.steps_in(9.0), pace.steps_in(1.0)) == (4, 1)
