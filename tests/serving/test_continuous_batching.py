"""Many requests side by side: each gets the texts of `generate`, and none suffers from another."""

import queue
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from serving.continuous_batching import (
    MOST_WAITING,
    Begun,
    BusyError,
    ContinuousBatching,
    Event,
    Failed,
    Request,
    Written,
)
from serving.metrics import BatchingMetrics
from serving.model import Completion, LanguageModel
from serving.running_rows import MOST_ROWS, RunningRows, Sampling
from tests.serving.running_server import wait_until
from trainer.few_rows import MOST_ROWS as MOST_ROWS_OF_THE_MODEL

# Different in everything; together more rows than run at once.
ASKED: list[tuple[list[str], int, Sampling]] = [
    (["Hello"], 1, Sampling(12, seed=3)),
    (["", "A longer prompt"], 2, Sampling(20, temperature=1.5, top_k=40, seed=4)),
    (["x" * 50], 1, Sampling(9, temperature=0, repetition_penalty=1.3)),
    (["Hello"], 6, Sampling(16, top_p=0.9, seed=5, stop=("e", "\ufffd\ufffd"))),
    (["one", "two", "three"], 1, Sampling(1, seed=6)),
]


class Faulty(LanguageModel):
    """A model of which a signature fails while its name is in `failing`, and waits where there is a gate."""

    def __init__(self, model: LanguageModel) -> None:
        super().__init__({}, model.context, model)
        self._model = model
        self.failing: set[str] = set()
        self.gate = threading.Event()
        self.gate.set()

    def signature(self, name: str) -> Callable[..., dict[str, Any]]:
        if name == "step":
            assert self.gate.wait(60)
        if name in self.failing:
            raise RuntimeError(f"{name} failed\nwith more to tell")
        return self._model.signature(name)

    def count_tokens(self, texts: Any) -> list[int]:
        return self._model.count_tokens(texts)


@pytest.fixture
def faulty(model: LanguageModel) -> Faulty:
    return Faulty(model)


@pytest.fixture
def metrics() -> BatchingMetrics:
    return BatchingMetrics()


@pytest.fixture
def batching(faulty: Faulty, metrics: BatchingMetrics) -> Iterator[ContinuousBatching]:
    found = ContinuousBatching(faulty, metrics)
    yield found
    faulty.gate.set()
    found.stop()


class Reader:
    """What a request's reader hears."""

    def __init__(self, prompts: list[str], samples: int, sampling: Sampling) -> None:
        self.heard: queue.Queue[Event] = queue.Queue()
        self.request = Request(prompts, sampling, self.heard.put, samples)

    def events(self) -> Iterator[Event]:
        rows = self.request.rows
        while rows:
            event = self.heard.get(timeout=60)
            yield event
            if isinstance(event, Failed):
                return
            rows -= isinstance(event, Written) and event.completion is not None

    def read(self) -> tuple[list[str], dict[int, Completion]]:
        """The joined pieces of each row, and its completion."""
        pieces: dict[int, str] = {}
        completions = {}
        for event in self.events():
            if isinstance(event, Written):
                pieces[event.row] = pieces.get(event.row, "") + event.piece
                if event.completion is not None:
                    completions[event.row] = event.completion
        return [pieces[row] for row in sorted(pieces)], completions


def generated(
    model: LanguageModel, prompts: list[str], samples: int, sampling: Sampling
) -> list[Completion]:
    rows = [prompt for prompt in prompts for _ in range(samples)]
    return model.generate(rows, **vars(sampling))


@pytest.mark.filterwarnings("ignore:prompt . has")
@pytest.mark.parametrize("while_others_run", [False, True])
def test_each_request_gets_the_texts_of_generate(
    model: LanguageModel, batching: ContinuousBatching, while_others_run: bool
) -> None:
    readers = [Reader(*asked) for asked in ASKED]
    for reader in readers:
        batching.submit(reader.request)
        if while_others_run:
            wait_until(lambda heard=reader.heard: not heard.empty())
    for reader, asked in zip(readers, ASKED, strict=True):
        texts, completions = reader.read()
        expected = generated(model, *asked)
        assert texts == [completion.text for completion in expected]
        assert [completions[row] for row in sorted(completions)] == expected
    wait_until(lambda: batching.running == 0)


def test_a_request_hears_first_what_the_model_reads_of_it(batching: ContinuousBatching) -> None:
    reader = Reader(["ab", "x" * 50, ""], 1, Sampling(8))
    batching.submit(reader.request)
    begun, *_ = reader.events()
    assert begun == Begun(
        (2, 24, 0),
        (
            "prompt 1 has 50 tokens and 24 fit beside 8 new ones in the context of 32; its beginning is cut",
        ),
    )


def test_a_reader_that_has_gone_frees_its_rows(
    faulty: Faulty, batching: ContinuousBatching, metrics: BatchingMetrics
) -> None:
    faulty.gate.clear()
    leaving, staying = Reader(["a"], 10, Sampling(31)), Reader(["b"], 2, Sampling(5))
    batching.submit(leaving.request)
    batching.submit(staying.request)
    wait_until(lambda: batching.running == MOST_ROWS)
    assert batching.waiting == 4
    batching.cancel(leaving.request)
    assert batching.waiting == 2
    faulty.gate.set()
    texts, completions = staying.read()
    assert len(texts) == len(completions) == 2
    wait_until(lambda: batching.running == 0)
    # one with the rows of both, and those that the row which stayed had yet to go
    assert metrics.registry.get_sample_value("gpt2_tfx_step_seconds_count") == 5


def test_more_rows_than_may_wait_are_refused(faulty: Faulty, batching: ContinuousBatching) -> None:
    faulty.gate.clear()
    running = Reader(["a"], MOST_ROWS, Sampling(3))
    batching.submit(running.request)
    wait_until(lambda: batching.running == MOST_ROWS)
    waiting = Reader(["b"], MOST_WAITING, Sampling(1))
    batching.submit(waiting.request)
    with pytest.raises(BusyError):
        batching.submit(Reader(["c"], 1, Sampling(1)).request)
    faulty.gate.set()
    assert len(running.read()[0]) == MOST_ROWS
    assert len(waiting.read()[0]) == MOST_WAITING


def test_a_prompt_that_fails_takes_no_other_with_it(
    model: LanguageModel, faulty: Faulty, batching: ContinuousBatching
) -> None:
    faulty.gate.clear()
    first, second = Reader(["a"], 1, Sampling(6)), Reader(["b"], 1, Sampling(6))
    batching.submit(first.request)
    wait_until(lambda: batching.running == 1)
    faulty.failing.add("start")
    batching.submit(second.request)
    faulty.gate.set()
    assert list(second.events()) == [Failed("RuntimeError: start failed")]
    assert list(first.read()[1].values()) == generated(model, ["a"], 1, Sampling(6))


def test_a_step_that_fails_is_told_to_those_that_run_and_the_others_go_on(
    model: LanguageModel, faulty: Faulty, batching: ContinuousBatching
) -> None:
    faulty.gate.clear()
    running = Reader(["a"], MOST_ROWS, Sampling(6))
    waiting = Reader(["b"], 1, Sampling(6))
    batching.submit(running.request)
    batching.submit(waiting.request)
    wait_until(lambda: batching.running == MOST_ROWS)
    faulty.failing.add("step")
    faulty.gate.set()
    *_, last = running.events()
    assert last == Failed("RuntimeError: step failed")
    *_, other = waiting.events()
    assert isinstance(other, Failed)
    assert batching.fault == "RuntimeError: step failed"
    faulty.failing.clear()
    again = Reader(["b"], 1, Sampling(6))
    batching.submit(again.request)
    assert list(again.read()[1].values()) == generated(model, ["b"], 1, Sampling(6))
    assert batching.fault is None


def test_a_model_that_works_again_is_noticed_without_a_request(
    faulty: Faulty, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("serving.continuous_batching.SECONDS_TO_TRY", 0.01)
    batching = ContinuousBatching(faulty, BatchingMetrics())
    faulty.failing.add("start")
    reader = Reader(["a"], 1, Sampling(2))
    batching.submit(reader.request)
    assert list(reader.events()) == [Failed("RuntimeError: start failed")]
    assert batching.fault is not None
    faulty.failing.clear()
    wait_until(lambda: batching.fault is None)
    batching.stop()


def test_what_is_to_finish_writes_what_it_has_and_takes_nothing_more(
    model: LanguageModel, faulty: Faulty, batching: ContinuousBatching
) -> None:
    faulty.gate.clear()
    reader = Reader(["a"], MOST_ROWS + 2, Sampling(4))
    batching.submit(reader.request)
    batching.finish()
    with pytest.raises(BusyError):
        batching.submit(Reader(["b"], 1, Sampling(1)).request)
    faulty.gate.set()
    found = reader.read()[1]
    expected = generated(model, ["a"], MOST_ROWS + 2, Sampling(4))
    assert [found[row] for row in sorted(found)] == expected


def test_as_many_rows_run_as_the_model_takes() -> None:
    assert MOST_ROWS == MOST_ROWS_OF_THE_MODEL


def test_no_rows_are_read_of_none(model: LanguageModel) -> None:
    rows = RunningRows(model)
    assert rows.read() == []
    rows.start(["a", "b"], [0, 1], Sampling(2))
    rows.keep([])
    assert rows.read() == []
