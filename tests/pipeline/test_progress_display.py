import io

import pytest

from pipeline import progress_display
from pipeline.keys import Reason
from pipeline.planning import Step
from pipeline.progress_display import ProgressDisplay, duration
from tests.pipeline.tables import node


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Clock:
    now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(progress_display, "time", made)
    return made


@pytest.fixture
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal on which nothing is cut."""
    monkeypatch.setenv("COLUMNS", "200")


STEP = Step(
    node("Trainer"), "run", (Reason("code", "a.py changed"), Reason("upstream", "new rows"))
)


@pytest.mark.usefixtures("clock")
class TestLines:
    def test_a_node_that_starts_says_why(self) -> None:
        stream = io.StringIO()
        ProgressDisplay(stream).started(STEP)
        assert stream.getvalue() == (
            "Trainer           running   code: a.py changed; upstream: new rows\n"
        )

    def test_a_node_that_ended_says_how_and_how_long_it_took(self) -> None:
        stream = io.StringIO()
        display = ProgressDisplay(stream)
        display.ended("Trainer", "run", 75)
        display.ended("Trainer", "cached", 0.25)
        display.ended("Trainer", "failed", 3)
        display.ended("Trainer", "skipped", 0)
        assert stream.getvalue().splitlines() == [
            "Trainer           done      1 min 15 s",
            "Trainer           cached    0.2 s",
            "Trainer           failed    3.0 s",
            "Trainer           skipped",
        ]

    def test_a_message_is_a_line_at_once(self) -> None:
        stream = io.StringIO()
        display = ProgressDisplay(stream)
        display.started(STEP)
        display.report("Trainer", {"message": "the split is empty"})
        assert stream.getvalue().splitlines()[-1] == "Trainer           the split is empty"

    def test_no_control_characters_reach_a_file(self, clock: Clock) -> None:
        stream = io.StringIO()
        display = ProgressDisplay(stream)
        display.started(STEP)
        clock.now += 11
        display.report("Trainer", {"phase": "training", "step": 1, "steps": 2})
        display.ended("Trainer", "run", 1)
        assert not {"\r", "\x1b"} & set(stream.getvalue())


@pytest.mark.usefixtures("wide")
class TestProgress:
    def test_elsewhere_than_on_a_terminal_it_comes_every_ten_seconds(self, clock: Clock) -> None:
        stream = io.StringIO()
        display = ProgressDisplay(stream)
        display.started(STEP)
        for _ in range(25):
            clock.now += 1
            display.report("Trainer", {"phase": "training", "step": 1, "steps": 2})
        assert len(stream.getvalue().splitlines()) == 1 + 3

    def test_step_loss_speed_and_time_left_are_shown(self, clock: Clock) -> None:
        stream = Terminal()
        display = ProgressDisplay(stream)
        display.started(STEP)
        clock.now += 5
        display.report(
            "Trainer",
            {
                "phase": "training",
                "step": 10,
                "steps": 100,
                "loss": 3.14159,
                "tokens_per_s": 12345.6,
                "seconds_left": 90.0,
            },
        )
        assert stream.getvalue().split("\r\x1b[K")[-1] == (
            "Trainer           training, step 10/100, loss 3.1416, 12,346 tokens/s, "
            "1 min 30 s left, 5.0 s"
        )

    def test_counted_things_have_a_rate_and_a_time_left(self, clock: Clock) -> None:
        stream = Terminal()
        display = ProgressDisplay(stream)
        display.started(STEP)
        display.report(
            "CorpusGen", {"phase": "reading", "done": 0, "total": 100, "unit": "records"}
        )
        clock.now += 2
        display.report(
            "CorpusGen", {"phase": "reading", "done": 50, "total": 100, "unit": "records"}
        )
        shown = stream.getvalue().split("\r\x1b[K")[-1]
        assert shown == "CorpusGen         reading, 50/100 records, 25 records/s, 2.0 s left, 2.0 s"

    def test_a_rate_is_of_its_phase(self, clock: Clock) -> None:
        stream = Terminal()
        display = ProgressDisplay(stream)
        display.started(STEP)
        display.report("CorpusGen", {"phase": "reading", "done": 50, "unit": "records"})
        clock.now += 100
        display.report("CorpusGen", {"phase": "writing", "done": 0, "unit": "rows"})
        clock.now += 1
        display.report("CorpusGen", {"phase": "writing", "done": 7, "unit": "rows"})
        assert "7 rows, 7 rows/s" in stream.getvalue().split("\r\x1b[K")[-1]

    def test_passing_time_renews_the_line_and_keeps_what_was_said(self, clock: Clock) -> None:
        stream = Terminal()
        display = ProgressDisplay(stream)
        display.started(STEP)
        display.report("Trainer", {"phase": "training", "step": 1, "steps": 2})
        clock.now += 7
        display.report("Trainer", {})
        shown = stream.getvalue().split("\r\x1b[K")[-1]
        assert shown == "Trainer           training, step 1/2, 7.0 s"

    def test_a_node_that_said_nothing_yet_is_starting(self, clock: Clock) -> None:
        stream = Terminal()
        display = ProgressDisplay(stream)
        display.started(STEP)
        display.report("Trainer", {})
        assert "starting" in stream.getvalue()

    def test_a_count_without_a_phase_is_shown_too(self, clock: Clock) -> None:
        stream = Terminal()
        display = ProgressDisplay(stream)
        display.started(STEP)
        display.report("Trainer", {"done": 3, "unit": "rows"})
        assert "3 rows" in stream.getvalue()

    def test_a_long_line_is_cut_to_the_terminal(
        self, clock: Clock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("COLUMNS", "30")
        stream = Terminal()
        display = ProgressDisplay(stream)
        display.started(STEP)
        display.report("Trainer", {"phase": "a phase with a very long name indeed"})
        assert len(stream.getvalue().split("\r\x1b[K")[-1]) == 29

    def test_the_next_node_starts_afresh(self, clock: Clock) -> None:
        stream = Terminal()
        display = ProgressDisplay(stream)
        display.started(STEP)
        display.report("Trainer", {"phase": "training", "step": 1, "steps": 2})
        display.started(STEP)
        display.report("Trainer", {})
        assert "step" not in stream.getvalue().split("\r\x1b[K")[-1]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0.0 s"), (0.25, "0.2 s"), (59.4, "59.4 s"), (75, "1 min 15 s"), (3700, "1 h 1 min")],
)
def test_durations_are_for_people(seconds: float, text: str) -> None:
    assert duration(seconds) == text
