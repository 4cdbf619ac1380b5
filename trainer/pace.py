"""How fast the steps of this process are."""

import time


class Pace:
    """Speed of the steps of this process; its first call, which builds the graph, is left out."""

    def __init__(self) -> None:
        self._started = self._resumed = time.perf_counter()
        self._calls = 0
        self._timed_steps = 0
        self._timed_tokens = 0
        self._timed_seconds = 0.0

    def count(self, steps: int, tokens: int) -> None:
        """So many steps of so many tokens together have ended."""
        now = time.perf_counter()
        self._calls += 1
        if self._calls > 1:
            self._timed_steps += steps
            self._timed_tokens += tokens
            self._timed_seconds += now - self._resumed
        self._resumed = now

    @property
    def has_begun(self) -> bool:
        """Whether the call that builds the graph has ended."""
        return self._calls > 0

    def pause_ended(self) -> None:
        """What happened since the last step was no training."""
        self._resumed = time.perf_counter()

    def steps_in(self, seconds: float) -> int:
        """Steps that fit into a time, at least 1."""
        return max(1, int(seconds / self.seconds_a_step)) if self._timed_steps else 1

    @property
    def seconds(self) -> float:
        """Since the start, everything included."""
        return time.perf_counter() - self._started

    @property
    def seconds_a_step(self) -> float:
        """Mean time of a step; 0 before the second call."""
        return self._timed_seconds / self._timed_steps if self._timed_steps else 0.0

    @property
    def tokens_per_second(self) -> float:
        """Tokens that are no padding, a second; 0 before the second call."""
        return self._timed_tokens / self._timed_seconds if self._timed_seconds else 0.0
