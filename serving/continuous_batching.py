"""Writing the texts of many requests side by side: rows join when there is room, and leave when they end.

One thread owns the model's state. Between two steps it lets rows go that ended or whose reader has gone, and takes in
those that wait, first come, first served; the rows of a request may be taken in one after the other.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import NamedTuple

from serving.growing_text import GrowingText
from serving.metrics import BatchingMetrics
from serving.model import Completion, LanguageModel
from serving.running_rows import MOST_ROWS, RunningRows, Sampling

# Rows that may wait; eight times those that run are some seconds to some minutes of work.
MOST_WAITING = 64
# How long a model that failed is left alone, where nobody asks it.
SECONDS_TO_TRY = 5.0


class BusyError(Exception):
    """No more rows may wait."""


class Begun(NamedTuple):
    """A request's first rows have joined.

    prompt_tokens: of each prompt, what the model reads of it. cuts: what the context had no room for, in words.
    """

    prompt_tokens: tuple[int, ...]
    cuts: tuple[str, ...]


class Written(NamedTuple):
    """More of a row's text; with its completion the last of it."""

    row: int
    piece: str
    completion: Completion | None


class Failed(NamedTuple):
    """The model could not: nothing follows."""

    reason: str


Event = Begun | Written | Failed


@dataclass(eq=False)
class Request:
    """Texts that are asked for: `samples` of each prompt; row r continues prompt r // samples with stream r.

    tell: hears of each event, in the thread of the model, so it may not take long.
    """

    prompts: Sequence[str]
    sampling: Sampling
    tell: Callable[[Event], None]
    samples: int = 1
    came: float = field(default_factory=time.monotonic)
    begun: bool = False
    over: bool = False

    @property
    def rows(self) -> int:
        return len(self.prompts) * self.samples


@dataclass(eq=False)
class _Row:
    request: Request
    number: int
    text: GrowingText

    @property
    def prompt(self) -> str:
        return self.request.prompts[self.number // self.request.samples]


class ContinuousBatching:
    """The rows of one model. Ends with `finish`, or with `stop`."""

    def __init__(self, model: LanguageModel, metrics: BatchingMetrics) -> None:
        self._model = model
        self._metrics = metrics
        self._state = RunningRows(model)
        self._rows: list[_Row] = []
        self._waiting: deque[_Row] = deque()
        self._changed = threading.Condition()
        self._ending = False
        self._fault: str | None = None
        self._thread = threading.Thread(target=self._work, name="continuous batching", daemon=True)
        self._thread.start()

    @property
    def running(self) -> int:
        """Rows that are being written."""
        return len(self._rows)

    @property
    def waiting(self) -> int:
        """Rows that wait."""
        return len(self._waiting)

    @property
    def fault(self) -> str | None:
        """Why the model failed when it was last asked; None where it did not."""
        return self._fault

    @property
    def alive(self) -> bool:
        """Whether it has not ended."""
        return self._thread.is_alive()

    def submit(self, request: Request) -> None:
        """Have a request written. Raises BusyError where too many rows wait already, or this is to end."""
        with self._changed:
            if self._ending or len(self._waiting) + request.rows > MOST_WAITING:
                raise BusyError
            self._waiting += (
                _Row(request, number, GrowingText(request.sampling.stop, self._model.count_tokens))
                for number in range(request.rows)
            )
            self._changed.notify()

    def cancel(self, request: Request) -> None:
        """Nobody reads a request any more: its rows leave before the next step."""
        with self._changed:
            request.over = True
            self._forget_waiting()

    def finish(self) -> None:
        """Write what is here to its end, and take nothing more; returns at once."""
        with self._changed:
            self._ending = True
            self._changed.notify()

    def stop(self) -> None:
        """End between two steps, whatever is unfinished; returns when it has ended."""
        with self._changed:
            self._ending = True
            for row in (*self._rows, *self._waiting):
                row.request.over = True
            self._forget_waiting()
            self._changed.notify()
        self._thread.join()

    def _work(self) -> None:
        while (joining := self._next()) is not None:
            for request, rows in groupby(joining, key=lambda row: row.request):
                self._join(request, list(rows))
            self._let_go()
            if self._rows:
                self._step()
                self._let_go()
            elif self._fault:
                self._try()

    def _next(self) -> list[_Row] | None:
        """The rows to take in now, once there is something to do; None where all is done."""
        with self._changed:
            self._changed.wait_for(
                lambda: self._rows or self._waiting or self._ending,
                timeout=SECONDS_TO_TRY if self._fault else None,
            )
            if self._ending and not (self._rows or self._waiting):
                return None
            room = min(MOST_ROWS - len(self._rows), len(self._waiting))
            return [self._waiting.popleft() for _ in range(room)]

    def _join(self, request: Request, rows: list[_Row]) -> None:
        if request.over:
            return
        try:
            begun = None if request.begun else self._begun(request)
            streams = [row.number for row in rows]
            self._state.start([row.prompt for row in rows], streams, request.sampling)
            self._rows += rows
            if begun is not None:
                request.begun = True
                self._metrics.first_token.observe(time.monotonic() - request.came)
                self._metrics.prompt_tokens.inc(sum(begun.prompt_tokens))
                request.tell(begun)
            self._tell(len(self._rows) - len(rows))
        except Exception as error:
            self._fail([request], error)

    def _begun(self, request: Request) -> Begun:
        new = request.sampling.max_new_tokens
        room = self._model.context - min(new, self._model.context - 1)
        counts = self._model.count_tokens(request.prompts)
        return Begun(
            tuple(min(count, room) for count in counts),
            tuple(self._model.cuts(request.prompts, new)),
        )

    def _step(self) -> None:
        """One more token of all rows."""
        start = time.monotonic()
        try:
            self._state.step()
            self._tell(0)
        except Exception as error:
            self._fail([row.request for row in self._rows], error)
            return
        self._metrics.step.observe(time.monotonic() - start)
        self._fault = None

    def _try(self) -> None:
        """See whether a model that failed works again, so that whoever asks only those that are ready comes back."""
        try:
            RunningRows(self._model).start([""], [0], Sampling(max_new_tokens=1))
            self._fault = None
        except Exception as error:
            self._fault = _described(error)

    def _tell(self, first: int) -> None:
        """Pass on what the rows from the first on have newly written."""
        for row, read in zip(self._rows[first:], self._state.read()[first:], strict=True):
            piece = row.text.grow(read)
            completion = row.text.completion
            if completion is not None:
                self._metrics.completion_tokens.inc(completion.tokens)
            if (piece or completion) and not row.request.over:
                row.request.tell(Written(row.number, piece, completion))

    def _let_go(self) -> None:
        """Keep the rows that go on and have a reader."""
        kept = [
            number
            for number, row in enumerate(self._rows)
            if row.text.completion is None and not row.request.over
        ]
        try:
            self._state.keep(kept)
        except Exception as error:
            self._fail([row.request for row in self._rows], error)
            kept = []
            self._state.keep(kept)
        self._rows = [self._rows[number] for number in kept]

    def _fail(self, requests: Sequence[Request], error: Exception) -> None:
        """Tell requests that the model failed; those that only wait go on."""
        self._fault = _described(error)
        self._metrics.model_errors.inc()
        with self._changed:
            for request in dict.fromkeys(requests):
                if not request.over:
                    request.over = True
                    request.tell(Failed(self._fault))
            self._forget_waiting()

    def _forget_waiting(self) -> None:
        self._waiting = deque(row for row in self._waiting if not row.request.over)


def _described(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"
