"""Where the time of a training goes: seconds by part, and how fast its steps are."""

import time
from collections.abc import Mapping

READING, MODEL, PREPARATION = "reading", "model", "preparation"
FIRST_STEPS, STEPS, BATCHES = "first_steps", "steps", "batches"
VALIDATION, CHECKPOINTS, EXPORT = "validation", "checkpoints", "export"
TRAINING = (FIRST_STEPS, STEPS, BATCHES, VALIDATION, CHECKPOINTS)


class PartTimes:
    """Wall-clock seconds by part; from the start on every moment belongs to exactly one.

    seconds: those of the parts that have ended, the earlier stretches of each included.
    """

    def __init__(self, first: str) -> None:
        self.seconds: dict[str, float] = {}
        self._part, self._began = first, time.perf_counter()

    def begin(self, part: str) -> None:
        """From now on it is another part, or a further stretch of one that was there before."""
        now = time.perf_counter()
        self.add({self._part: now - self._began})
        self._part, self._began = part, now

    def end(self) -> None:
        """Count what the present part has had so far."""
        self.begin(self._part)

    def of(self, *parts: str) -> float:
        """What parts have had so far."""
        self.end()
        return sum(self.seconds.get(part, 0.0) for part in parts)

    def add(self, seconds: Mapping[str, float]) -> None:
        """Count what parts have had elsewhere, such as before a training was cut off."""
        for part, own in seconds.items():
            self.seconds[part] = self.seconds.get(part, 0.0) + own


class Pace:
    """Speed of the steps of this process; its first call, which builds the graph, is left out.

    times: which say how long the steps took, and the batches between them.
    """

    def __init__(self, times: PartTimes) -> None:
        self._times = times
        self._before: float | None = None  # seconds when the first call ended
        self._seconds, self._steps, self._tokens = 0.0, 0, 0

    def count(self, steps: int, tokens: int) -> None:
        """So many steps of so many tokens together have ended."""
        now = self._times.of(STEPS, BATCHES)
        if self._before is None:
            self._before = now
            return
        self._seconds = now - self._before
        self._steps += steps
        self._tokens += tokens

    def steps_in(self, seconds: float) -> int:
        """Steps that fit into a time, at least 1."""
        return max(1, int(seconds / self.seconds_a_step)) if self._steps else 1

    @property
    def seconds_a_step(self) -> float:
        """Mean time of a step; 0 before the second call."""
        return self._seconds / self._steps if self._steps else 0.0

    @property
    def tokens_per_second(self) -> float:
        """Tokens that are no padding, a second; 0 before the second call."""
        return self._tokens / self._seconds if self._seconds else 0.0
