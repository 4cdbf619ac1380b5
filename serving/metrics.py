"""Numbers that a server counts, in the text format of Prometheus (exposition format 0.0.4).

They are counted in one process by several threads. The official client library is not needed for four kinds of lines.
"""

import threading
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence

# Seconds.
STEP_BUCKETS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0)
FIRST_TOKEN_BUCKETS = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)


class Counter:
    """A number that only grows, for each combination of the values of its labels."""

    kind = "counter"

    def __init__(self, name: str, text: str, labels: Sequence[str] = ()) -> None:
        self.name, self.text = name, text
        self._labels = tuple(labels)
        self._lock = threading.Lock()
        self._values: dict[tuple[str, ...], float] = {} if labels else {(): 0}

    def add(self, amount: float = 1, *values: str) -> None:
        """values: of the labels, in their order."""
        assert len(values) == len(self._labels)
        with self._lock:
            self._values[values] = self._values.get(values, 0) + amount

    def lines(self) -> Iterator[str]:
        with self._lock:
            found = sorted(self._values.items())
        for values, amount in found:
            yield _line(self.name, dict(zip(self._labels, values, strict=True)), amount)


class Gauge:
    """A number that is asked for when it is shown."""

    kind = "gauge"

    def __init__(
        self,
        name: str,
        text: str,
        value: Callable[[], float],
        labels: Callable[[], dict[str, str]] = dict,
    ) -> None:
        self.name, self.text = name, text
        self._value, self._labels = value, labels

    def lines(self) -> Iterator[str]:
        yield _line(self.name, self._labels(), self._value())


class Histogram:
    """How many of what was observed is at most each bound."""

    kind = "histogram"

    def __init__(self, name: str, text: str, bounds: Sequence[float]) -> None:
        self.name, self.text = name, text
        self._bounds = tuple(bounds)
        self._lock = threading.Lock()
        self._counts = [0] * (len(bounds) + 1)
        self._sum = 0.0

    def observe(self, value: float) -> None:
        with self._lock:
            self._counts[bisect_left(self._bounds, value)] += 1
            self._sum += value

    def lines(self) -> Iterator[str]:
        with self._lock:
            counts, total = list(self._counts), self._sum
        so_far = 0
        for bound, count in zip((*map(str, self._bounds), "+Inf"), counts, strict=True):
            so_far += count
            yield _line(f"{self.name}_bucket", {"le": bound}, so_far)
        yield _line(f"{self.name}_sum", {}, total)
        yield _line(f"{self.name}_count", {}, so_far)


Metric = Counter | Gauge | Histogram


class BatchingMetrics:
    """What writing rows is measured by; times in seconds."""

    def __init__(self) -> None:
        self.prompt_tokens = Counter("gpt2_tfx_prompt_tokens_total", "Tokens of prompts.")
        self.completion_tokens = Counter("gpt2_tfx_completion_tokens_total", "Tokens written.")
        self.model_errors = Counter("gpt2_tfx_model_errors_total", "Times that the model failed.")
        self.first_token = Histogram(
            "gpt2_tfx_first_token_seconds",
            "From a request's coming to its first token.",
            FIRST_TOKEN_BUCKETS,
        )
        self.step = Histogram(
            "gpt2_tfx_step_seconds", "A token for each of the running rows.", STEP_BUCKETS
        )

    def all(self) -> tuple[Metric, ...]:
        return (
            self.prompt_tokens,
            self.completion_tokens,
            self.model_errors,
            self.first_token,
            self.step,
        )


def exposition(metrics: Sequence[Metric]) -> str:
    """The text that Prometheus reads."""
    lines: list[str] = []
    for metric in metrics:
        lines += [f"# HELP {metric.name} {metric.text}", f"# TYPE {metric.name} {metric.kind}"]
        lines += metric.lines()
    return "".join(f"{line}\n" for line in lines)


def _line(name: str, labels: dict[str, str], value: float) -> str:
    shown = ",".join(f'{label}="{_escaped(text)}"' for label, text in labels.items())
    return f"{name}{{{shown}}} {_number(value)}" if shown else f"{name} {_number(value)}"


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(value)
