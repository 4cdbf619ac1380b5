"""Where the time of a training goes: seconds by part."""

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
