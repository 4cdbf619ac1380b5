"""How fast the steps of this process are."""

from trainer.part_times import BATCHES, STEPS, PartTimes


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
