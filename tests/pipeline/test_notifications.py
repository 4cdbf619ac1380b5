"""Who is told how a run ended, and that telling it never hurts."""

import os
import socketserver
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from pipeline import cli, notifications
from pipeline.leases import RUN_LEASE, Leases
from tests.pipeline import launches as launches_module
from tests.pipeline.launches import Launches
from tests.pipeline.schemas import document_of
from tests.pipeline.test_node_process import ends

SECRET = "hush-4711"
# What the hook is told lies beside the configuration.
HOOK = "sh -c 'cat >>told; env >environment'"

Run = Callable[..., int]


@pytest.fixture
def run(
    launches: Launches, monkeypatch: pytest.MonkeyPatch, config_file: Path
) -> Callable[..., int]:
    """Does `gpt2-tfx run` without TFX; returns its exit status."""
    monkeypatch.setattr(
        "pipeline.commands.run.run_pipeline",
        lambda loaded, selection, display, run_id: launches.run(
            run_id, selection, *loaded.overrides
        ),
    )
    monkeypatch.setitem(launches_module.PROPERTIES, "blessed", 1)

    def do(*arguments: str, notify: str | None = f'command: "{HOOK}"') -> int:
        text = config_file.read_text().partition("notify:")[0]
        config_file.write_text(text + (f"notify:\n  {notify}\n" if notify else ""))
        return cli.main(["--config", str(config_file), "run", *arguments])

    return do


@pytest.fixture
def told(config_file: Path) -> Callable[[], list[dict[str, Any]]]:
    """What the hook was told until now, which is forgotten."""

    def read() -> list[dict[str, Any]]:
        file = config_file.parent / "told"
        text = file.read_text() if file.exists() else ""
        file.unlink(missing_ok=True)
        return [
            document_of("notification", line)
            for line in text.replace("}{", "}\n{").split("\n")
            if line
        ]

    return read


Told = Callable[[], list[dict[str, Any]]]


class TestWhatIsTold:
    def test_a_success(self, run: Run, told: Told, config_file: Path) -> None:
        assert run() == 0
        (success,) = told()
        assert success["event"] == "success"
        assert success["nodes"]["Trainer"] == "run"
        assert success["pushed"]
        environment = (config_file.parent / "environment").read_text().splitlines()
        assert "GPT2_TFX_EVENT=success" in environment
        assert f"GPT2_TFX_RUN_ID={success['run_id']}" in environment
        assert f"GPT2_TFX_PUSHED={success['pushed']}" in environment

    def test_nothing_of_a_run_that_has_nothing_to_do(
        self, run: Run, told: Told, capfd: pytest.CaptureFixture[str]
    ) -> None:
        """And with --quiet it says nothing at all."""
        run()
        told()
        capfd.readouterr()
        assert run("--quiet") == 0
        assert told() == []
        assert capfd.readouterr() == ("", "")

    def test_quiet_prints_the_result_where_something_was_done(
        self, run: Run, capfd: pytest.CaptureFixture[str]
    ) -> None:
        assert run("--quiet", notify=None) == 0
        out, err = capfd.readouterr()
        assert out.startswith("run ")
        assert err == ""

    def test_a_model_that_latest_names_again_though_no_node_ran(
        self, run: Run, told: Told, launches: Launches
    ) -> None:
        launches.results["Trainer"] = "one"
        run()
        launches.results["Trainer"] = "two"
        run("--set", "training.steps=9")
        told()
        assert run() == 0
        (success,) = told()
        assert set(success["nodes"].values()) == {"cached"}
        assert success["pushed"] == launches.versions.latest()

    def test_a_refusal(self, run: Run, told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(launches_module.PROPERTIES, "blessed", 0)
        assert run() == 0
        assert told()[0]["event"] == "refusal"
        # The answer is told, though nothing is done.
        assert run("--quiet", "--require-blessing") == 1

    def test_a_failure_of_a_node(self, run: Run, told: Told, launches: Launches) -> None:
        launches.failing = {"Trainer"}
        assert run() == 1
        (failure,) = told()
        assert (failure["event"], failure["node"]) == ("failure", "Trainer")
        assert failure["message"] == "it does not work"

    def test_a_corpus_that_is_gone(self, run: Run, told: Told, config_file: Path) -> None:
        (config_file.parent / "corpus").rename(config_file.parent / "elsewhere")
        assert run() == 2
        (failure,) = told()
        assert (failure["event"], failure["node"]) == ("failure", None)
        assert "corpus.path" in failure["message"]

    def test_nothing_of_a_run_that_another_kept_from_beginning(
        self, run: Run, told: Told, launches: Launches
    ) -> None:
        with Leases(launches.store, "other").acquire(RUN_LEASE, wait=False, say=print):
            assert run() == 1
        assert told() == []


class TestAHookThatFails:
    @pytest.mark.parametrize(
        ("command", "says"),
        [
            ("no-such-program", "'no-such-program' cannot be started (No such file or directory)"),
            ("sh -c 'echo one; echo two; exit 3'", "ended with status 3: two"),
            ("sh -c 'sleep 600 & sleep 600'", "took more than 0 s and was ended"),
        ],
    )
    def test_is_one_line_and_the_run_is_what_it_was(
        self,
        run: Run,
        launches: Launches,
        monkeypatch: pytest.MonkeyPatch,
        capfd: pytest.CaptureFixture[str],
        command: str,
        says: str,
    ) -> None:
        monkeypatch.setattr(notifications, "SECONDS", 0.2)
        assert run("--quiet", notify=f'command: "{command}"') == 0
        err = capfd.readouterr().err
        assert err.startswith("gpt2-tfx: notify.command: ")
        assert says in err
        assert len(err.splitlines()) == 1

    def test_leaves_no_process_behind(
        self, run: Run, monkeypatch: pytest.MonkeyPatch, config_file: Path
    ) -> None:
        monkeypatch.setattr(notifications, "SECONDS", 0.2)
        run(notify="command: \"sh -c 'sleep 600 & echo $! >pid; sleep 600'\"")
        pid = int((config_file.parent / "pid").read_text())
        assert ends(pid)


class Answers(HTTPServer):
    """A server whose path says how it answers; it keeps what it was told."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.told: list[tuple[str, str]] = []


class _Answer(BaseHTTPRequestHandler):
    server: Answers

    def do_POST(self) -> None:
        content = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.server.told.append((self.path, content))
        if "drip" in self.path:
            try:
                for _ in range(100):
                    self.wfile.write(b"H")
                    threading.Event().wait(0.05)
            except OSError:
                return
        self.send_response(500 if "fail" in self.path else 204)
        self.end_headers()

    def log_message(self, *_: object) -> None: ...


class _Threads(socketserver.ThreadingMixIn, Answers):
    daemon_threads = True


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Answers]:
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    with _Threads() as opened:
        thread = threading.Thread(target=opened.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield opened
        opened.shutdown()
        thread.join()


class TestAWebhook:
    def test_gets_the_document_and_its_secret_is_nowhere(
        self,
        run: Run,
        server: Answers,
        monkeypatch: pytest.MonkeyPatch,
        config_file: Path,
        capfd: pytest.CaptureFixture[str],
    ) -> None:
        monkeypatch.setenv("HOOK_TOKEN", SECRET)
        webhook = f"webhook: http://127.0.0.1:{server.server_port}/$HOOK_TOKEN"
        assert run(notify=webhook) == 0
        ((path, content),) = server.told
        assert path == f"/{SECRET}"
        assert document_of("notification", content)["event"] == "success"
        assert run("--set", "training.steps=9", notify=f"{webhook}/fail") == 0
        out, err = capfd.readouterr()
        assert "$HOOK_TOKEN/fail': HTTP status 500; the run is what it was\n" in err
        for told in (out, err):
            assert SECRET not in told
        for file in config_file.parent.rglob("*"):
            if file.is_file():
                content = file.read_bytes().decode("latin-1")
                assert SECRET not in content
                assert "HOOK_TOKEN" not in content or file == config_file

    @pytest.mark.parametrize(
        ("webhook", "value", "says"),
        [
            ("$HOOK", None, "names $HOOK, which is not set in the environment;"),
            ("$HOOK", "file:///etc/passwd", "'$HOOK': its value is not an http:// or https:// URL"),
            ("$HOOK", f"http://[{SECRET}", "'$HOOK': ValueError"),
            ("http://127.0.0.1:9/$HOOK", SECRET, "Connection refused"),
            ("http://127.0.0.1:{port}/drip", None, "no answer within 0 s"),
        ],
    )
    def test_that_fails_is_one_line_without_its_secret(
        self,
        run: Run,
        server: Answers,
        monkeypatch: pytest.MonkeyPatch,
        capfd: pytest.CaptureFixture[str],
        webhook: str,
        value: str | None,
        says: str,
    ) -> None:
        monkeypatch.setattr(notifications, "SECONDS", 0.3)
        if value is not None:
            monkeypatch.setenv("HOOK", value)
        assert run("--quiet", notify=f"webhook: {webhook.format(port=server.server_port)}") == 0
        err = capfd.readouterr().err
        assert err.startswith("gpt2-tfx: notify.webhook: ")
        assert says in err
        assert SECRET not in err
        assert len(err.splitlines()) == 1
