"""`run --watch`: when it runs again, each time in a process of its own, and how it ends."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from pipeline import changes as changes_module
from pipeline.arguments import parse
from pipeline.changes import PATIENCE_SECONDS, QUIET_SECONDS, Changes, Unrest
from pipeline.code_snapshot import read_snapshot
from pipeline.commands import watching
from pipeline.serving_pointer import ServingPointer
from tests.pipeline.launches import Launches


class Rounds:
    """Stands in for what tells of changes: between two rounds something may happen, and then Ctrl-C comes."""

    def __init__(self, *rounds: Callable[[], object]) -> None:
        self._left = iter(rounds)
        self.places: set[Path] = set()
        self.ignored = Path()

    def watch(self, places: Iterable[Path], ignored: Path) -> None:
        self.places, self.ignored = set(places), ignored

    def wait(self) -> None:
        do = next(self._left, None)
        if do is None:
            raise KeyboardInterrupt
        do()

    def close(self) -> None: ...


def nothing() -> None: ...


def watch(config: Path, *rounds: Callable[[], object], last: str = "Tokenizer") -> Rounds:
    """Watch for some rounds; between two of them something may happen."""
    given = ["--config", str(config), "run", "--watch", "--to", last]
    arguments = parse(given)
    arguments.given = given
    watcher = Rounds(*rounds)
    assert watching.watch(arguments, watcher) == 0
    return watcher


class TestWhenItRuns:
    @pytest.fixture
    def started(self, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
        """The commands of the runs that are started, instead of doing anything."""
        commands: list[list[str]] = []
        monkeypatch.setattr(watching._Run, "do", lambda run: commands.append(run._command))
        return commands

    def test_each_run_is_a_new_process_with_the_same_arguments(
        self, config_file: Path, started: list[list[str]]
    ) -> None:
        watch(config_file, nothing)
        again = ["--config", str(config_file), "run", "--to", "Tokenizer"]
        assert started == [[sys.executable, "-m", "pipeline", *again]]

    def test_a_change_of_the_corpus_starts_another(
        self, config_file: Path, started: list[list[str]]
    ) -> None:
        edited = config_file.parent / "corpus" / "one.txt"
        watch(config_file, nothing, lambda: edited.write_text("Other prose.\n"), nothing)
        assert len(started) == 2

    def test_a_configuration_with_mistakes_is_tried_once_and_ends_nothing(
        self, config_file: Path, started: list[list[str]]
    ) -> None:
        text = config_file.read_text()
        watcher = watch(
            config_file,
            *(lambda: config_file.write_text("corpus: 3\n"), nothing),
            *(lambda: config_file.write_text(text), nothing),
        )
        # As it was at first, broken, and mended: of what is still to be done nothing has been tried since.
        assert len(started) == 3
        assert config_file.parent / "corpus" in watcher.places

    def test_a_store_that_is_away_ends_nothing(
        self, config_file: Path, started: list[list[str]], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def away(*_: object) -> Any:
            raise watching.FailureError("store: away")

        monkeypatch.setattr(watching, "make_plan", away)
        watch(config_file, nothing)
        assert len(started) == 1

    def test_an_edit_of_code_that_no_node_reaches_starts_one_more(
        self,
        config_file: Path,
        started: list[list[str]],
        monkeypatch: pytest.MonkeyPatch,
        tmp_path: Path,
    ) -> None:
        project = read_snapshot().write(tmp_path / "project")
        monkeypatch.setattr(watching, "read_snapshot", lambda: read_snapshot(project))
        runner = project / "pipeline" / "runner.py"
        watch(config_file, nothing, lambda: runner.write_text("edited = 1\n"), nothing, nothing)
        assert len(started) == 2

    def test_what_a_run_depends_on_is_watched_and_what_it_writes_is_not(
        self, config_file: Path, started: list[list[str]], root: Path
    ) -> None:
        watcher = watch(config_file)
        folder = config_file.parent
        assert {config_file, folder / "corpus", root / "trainer"} <= watcher.places
        assert watcher.ignored == folder / "workspace"

    def test_a_rollback_is_left_alone_and_each_release_starts_a_run(
        self, launches: Launches, started: list[list[str]]
    ) -> None:
        launches.results["Trainer"] = "one"
        one = launches.run("run-1", None, "training.steps=9").pushed
        launches.results["Trainer"] = "two"
        launches.run("run-2")
        pointer = ServingPointer(launches.store, launches.versions)
        counts: list[int] = []

        def then(*actions: Callable[[], object]) -> Callable[[], None]:
            def act() -> None:
                counts.append(len(started))
                for action in actions:
                    action()

            return act

        def roll_back() -> None:
            pointer.roll_back(str(one), "me")

        def release() -> None:
            pointer.release("me")

        def what_the_run_does() -> None:
            launches.run(f"run-{len(started) + 2}")

        watch(
            launches.config_file,
            *(then(roll_back), then(release), then(what_the_run_does)),
            *(then(roll_back), then(release), then(what_the_run_does), then()),
            last="Pusher",
        )
        assert counts == [0, 0, 1, 1, 1, 2, 2]


class TestTheEnd:
    def test_between_runs_is_one_line(
        self,
        config_file: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        monkeypatch.setattr(watching._Run, "do", lambda run: None)
        watch(config_file)
        assert capsys.readouterr() == ("", "gpt2-tfx: no longer watching\n")

    def test_in_the_middle_of_a_run_waits_until_that_has_ended_well(
        self,
        config_file: Path,
        monkeypatch: pytest.MonkeyPatch,
        capfd: pytest.CaptureFixture[str],
        tmp_path: Path,
    ) -> None:
        """A real process in place of the run; Ctrl-C comes when it has begun."""
        program = (
            "import pathlib, signal, sys, time\n"
            "def end(*_): time.sleep(0.4); print('gpt2-tfx: interrupted', file=sys.stderr); sys.exit(1)\n"
            "signal.signal(signal.SIGTERM, end)\n"
            f"pathlib.Path({str(tmp_path / 'began')!r}).touch()\n"
            "time.sleep(600)"
        )
        made = watching._Run.__init__

        def make(self: Any, arguments: Any) -> None:
            made(self, arguments)
            self._command = [sys.executable, "-c", program]

        monkeypatch.setattr(watching._Run, "__init__", make)

        def interrupt() -> None:
            while not (tmp_path / "began").exists():
                time.sleep(0.01)
            os.kill(os.getpid(), signal.SIGINT)

        # A shell that starts the tests in the background has them ignore it.
        before = signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            threading.Thread(target=interrupt).start()
            watch(config_file)
        finally:
            signal.signal(signal.SIGINT, before)
        assert capfd.readouterr() == ("", "gpt2-tfx: interrupted\n")

    def test_a_sigterm_ends_the_whole_program_so(self, root: Path, config_file: Path) -> None:
        config_file.write_text(config_file.read_text() + "traning: {}\n")
        command = [sys.executable, "-m", "pipeline", "--config", str(config_file), "run", "--watch"]
        process = subprocess.Popen(command, cwd=root, stderr=subprocess.PIPE, text=True)
        assert process.stderr is not None
        assert "traning" in process.stderr.readline()
        runs = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        while runs.read_text():
            time.sleep(0.01)
        process.terminate()
        assert process.stderr.read() == "gpt2-tfx: no longer watching\n"
        assert process.wait() == 0


class FakeTurn:
    """A condition whose waiting costs no time: what is to happen at a time happens then."""

    def __init__(self, happens: list[tuple[float, Callable[[], None]]]) -> None:
        self.now = 0.0
        self._happens = happens

    def clock(self) -> float:
        return self.now

    def __enter__(self) -> None: ...
    def __exit__(self, *_: object) -> None: ...
    def notify_all(self) -> None: ...

    def wait(self, seconds: float) -> None:
        until = self.now + seconds
        if self._happens and self._happens[0][0] <= until:
            self.now, do = self._happens.pop(0)
            do()
        else:
            self.now = until


class TestQuiet:
    @staticmethod
    def ends(*times: float) -> list[float]:
        """When the waits end, with changes at some times."""
        turn = FakeTurn([])
        unrest = Unrest(turn.clock, turn)  # type: ignore[arg-type]
        turn._happens = [(at, unrest.note) for at in times]
        found = []
        while not found or turn._happens:
            unrest.wait()
            found.append(turn.now)
        return found

    def test_a_hundred_saves_in_a_second_are_one_change(self) -> None:
        (end,) = self.ends(*(n / 100 for n in range(100)))
        assert end == pytest.approx(0.99 + QUIET_SECONDS)

    def test_changes_with_quiet_between_them_are_several(self) -> None:
        assert self.ends(1, 2, 20) == [2 + QUIET_SECONDS, 20 + QUIET_SECONDS]

    def test_patience_ends_where_nothing_changes(self) -> None:
        assert self.ends() == [PATIENCE_SECONDS]

    def test_what_changes_during_a_run_is_seen_after_it(self) -> None:
        turn = FakeTurn([])
        unrest = Unrest(turn.clock, turn)  # type: ignore[arg-type]
        unrest.note()
        turn.now = 1000.0
        unrest.wait()
        assert turn.now == 1000.0


class TestWhatCounts:
    """Real observers, of the kernel and by polling."""

    @pytest.fixture(params=["inotify", "polling", "no more watches"])
    def changes(self, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Any:
        said: list[str] = []
        if request.param != "inotify":
            monkeypatch.setattr(changes_module, "_POLL_SECONDS", 0.05)
        if request.param == "polling":
            monkeypatch.setattr(changes_module, "network_file_system", lambda place: "nfs4")
        if request.param == "no more watches":

            def refuse(self: Any) -> None:
                raise OSError(28, "No space left on device")

            monkeypatch.setattr(changes_module.Observer, "start", refuse)
        noted = threading.Event()
        unrest = Unrest()
        monkeypatch.setattr(unrest, "note", noted.set)
        made = Changes(said.append, unrest)
        made.noted = noted  # type: ignore[attr-defined]
        yield made
        made.close()
        assert len(said) == (request.param == "no more watches")

    def test_a_place_what_lies_in_it_and_what_replaces_it(
        self, changes: Any, tmp_path: Path
    ) -> None:
        base = tmp_path / "Ä b"
        (base / "corpus" / "deep").mkdir(parents=True)
        (base / "workspace").mkdir()
        (base / "corpus" / "one.txt").write_text("1")
        file = base / "pipeline.yaml"
        file.write_text("1")
        (base / "v1").mkdir()
        (base / "v2").mkdir()
        (base / "link").symlink_to("v1")
        places = [file, base / "corpus", base / "link", base / "not" / "there"]
        changes.watch(places, base / "workspace")

        def is_noted(do: Callable[[], object], expected: bool = True) -> bool:
            time.sleep(0.02)  # for the times of files, by which polling tells
            changes.noted.clear()
            do()
            return bool(changes.noted.wait(5.0 if expected else 0.15))

        def save() -> None:
            (base / ".pipeline.yaml.swp").write_text("2")
            os.replace(base / ".pipeline.yaml.swp", file)

        def switch() -> None:
            (base / ".new").symlink_to("v2")
            os.replace(base / ".new", base / "link")

        for irrelevant in (
            lambda: (base / "workspace" / "metadata.sqlite").write_text("written by a run"),
            lambda: (base / "beside.txt").write_text("x"),
            lambda: (base / "corpus" / ".one.txt.swp").write_text("x"),
            lambda: (base / "corpus" / "one.txt").read_text(),
        ):
            assert not is_noted(irrelevant, expected=False)
        for relevant in (
            lambda: (base / "corpus" / "one.txt").write_text("22"),
            lambda: (base / "corpus" / "deep" / "new.txt").write_text("x"),
            lambda: (base / "corpus" / "deep" / "new.txt").unlink(),
            save,
            switch,
            lambda: (base / "v1" / "file").write_text("x"),
            lambda: (base / "not").mkdir(),
            lambda: (base / "corpus").rename(base / "moved"),
        ):
            assert is_noted(relevant)


def test_where_a_look_takes_long_it_must_be_quiet_for_longer_and_looks_are_fewer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[float] = []

    class Slow:
        def __init__(self, timeout: float) -> None:
            asked.append(timeout)

        def start(self) -> None:
            clock.now += 5.0

        def schedule(self, *_: object, **__: object) -> None: ...
        def stop(self) -> None: ...
        def join(self) -> None: ...

    clock = FakeTurn([])
    monkeypatch.setattr(changes_module.time, "monotonic", clock.clock)
    monkeypatch.setattr(changes_module, "network_file_system", lambda place: "nfs4")
    monkeypatch.setattr(changes_module, "PollingObserver", Slow)
    unrest = Unrest()
    changes = Changes(print, unrest)
    for _ in range(2):
        changes.watch([tmp_path], tmp_path / "workspace")
    changes.close()
    assert asked == [2.0, 20.0]
    assert unrest.quiet == 2 * (20.0 + 5.0)
