"""The processes of nodes: what they import from, what comes back from them, and that none is left."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from pipeline.code_snapshot import read_snapshot
from pipeline.config import Config, LoadedConfig
from pipeline.erasure.key import KEY_VARIABLE as ERASURE_KEY
from pipeline.launch_request import LaunchRequest
from pipeline.node_process import NodeFailureError, NodeServer
from pipeline.signing import KEY_VARIABLE as SIGNING_KEY

# In place of the module that runs TFX: each node is a few lines of Python.
LAUNCH = """
import os, pathlib, signal, subprocess, sys, time
from preprocessing.base import progress
from preprocessing.base.errors import InputError

def launch(request):
    os.environ.update(request.environment)
    exec(request.key, globals())
    return 7
"""
# In place of the one that imports components. One that is called by the path of a file is imported when that is there.
GRAPH = """
import pathlib, time

def import_component(node):
    print("imports", node, flush=True)
    while node.startswith("/") and not pathlib.Path(node).exists():
        time.sleep(0.01)
"""

Serve = Callable[[], NodeServer]


@pytest.fixture
def code(tmp_path: Path) -> Path:
    """A snapshot of the project whose launching is replaced."""
    place = read_snapshot().write(tmp_path / "code")
    (place / "pipeline" / "launch.py").write_text(LAUNCH)
    (place / "pipeline" / "graph.py").write_text(GRAPH)
    return place


@pytest.fixture
def server(code: Path, tmp_path: Path) -> Iterator[NodeServer]:
    opened = NodeServer(code, [], tmp_path / "logs" / "warm_server.log")
    yield opened
    opened.close()


def task(program: str, node: str = "Trainer") -> LaunchRequest:
    """A node that does as a program says."""
    return LaunchRequest(
        LoadedConfig(Config(), Path("/")), node, "run-1", program, {}, ("lease", 1), {}
    )


def run(
    server: NodeServer, program: str, log: Path, node: str = "Trainer"
) -> tuple[int, list[dict[str, object]]]:
    reports: list[dict[str, object]] = []
    execution = server.run(task(program, node), log, reports.append)
    return execution, [report for report in reports if report]


def sending(signals: list[int]) -> Callable[[int, int], None]:
    """`os.killpg` that notes what it sends."""
    send = os.killpg

    def sent(group: int, number: int) -> None:
        signals.append(number)
        send(group, number)

    return sent


def ends(process: int) -> bool:
    """Whether a process ends within ten seconds."""
    for _ in range(1000):
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            return True
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
        if state == "Z":
            return True
        time.sleep(0.01)
    return False


class TestAServer:
    def test_gives_every_node_a_process_and_passes_on_what_it_reports(
        self, server: NodeServer, tmp_path: Path
    ) -> None:
        log = tmp_path / "logs" / "Trainer.log"
        program = "print('printed'); progress.report(message=str(os.getpid()))"
        first = run(server, program, log)
        second = run(server, program, log)
        assert first[0] == second[0] == 7
        assert first[1] != second[1]
        assert log.read_text() == "printed\nprinted\n"

    def test_imports_this_project_from_the_snapshot_alone(
        self, server: NodeServer, code: Path, tmp_path: Path
    ) -> None:
        """A lazy import, and those of a process that the node starts, come from there too."""
        program = (
            "import components.options, trainer.options, pipeline.config\n"
            "ours = {'preprocessing', 'trainer', 'serving', 'components', 'pipeline'}\n"
            "found = [m.__file__ for n, m in list(sys.modules.items()) if n.split('.')[0] in ours]\n"
            "command = [sys.executable, '-c', 'import serving; print(serving.__file__)']\n"
            "found.append(subprocess.run(command, capture_output=True, text=True).stdout.strip())\n"
            "for file in found: progress.report(message=file)\n"
        )
        _, reports = run(server, program, tmp_path / "log")
        assert len(reports) > 10
        assert {Path(str(r["message"])).is_relative_to(code) for r in reports} == {True}
        # Python does not notice where a full disk cuts bytecode short.
        assert list(code.rglob("__pycache__")) == []

    def test_leaves_no_temporary_file_of_its_nodes(
        self, code: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        place = tmp_path / "temporary"
        place.mkdir()
        monkeypatch.setenv("TMPDIR", str(place))
        monkeypatch.setattr("tempfile.tempdir", None)
        server = NodeServer(code, [], tmp_path / "warm_server.log")
        program = "import tempfile; progress.report(message=tempfile.mkdtemp())"
        (report,) = run(server, program, tmp_path / "log")[1]
        assert Path(str(report["message"])).parent.parent == place
        server.close()
        assert list(place.iterdir()) == []

    def test_tells_a_mistake_of_the_user_from_a_failure(
        self, server: NodeServer, tmp_path: Path
    ) -> None:
        with pytest.raises(NodeFailureError, match="mend it") as mistake:
            run(server, "raise InputError('mend it')", tmp_path / "log")
        assert mistake.value.user_error
        with pytest.raises(NodeFailureError, match="ZeroDivisionError") as failure:
            run(server, "1 / 0", tmp_path / "log")
        assert not failure.value.user_error
        assert failure.value.log == tmp_path / "log"
        assert "Traceback" in (tmp_path / "log").read_text()

    def test_says_all_of_memory_that_does_not_suffice(
        self, server: NodeServer, tmp_path: Path
    ) -> None:
        with pytest.raises(NodeFailureError, match=r"lower training\.batch_size") as failure:
            run(server, "bytearray(1 << 60)", tmp_path / "log")
        assert not failure.value.user_error
        assert failure.value.log is None

    def test_says_which_signal_ended_a_node_and_goes_on(
        self, server: NodeServer, tmp_path: Path
    ) -> None:
        with pytest.raises(NodeFailureError, match="ended by SIGKILL"):
            run(server, "os.kill(os.getpid(), signal.SIGKILL)", tmp_path / "log")
        assert run(server, "pass", tmp_path / "log")[0] == 7

    def test_runs_a_node_before_later_ones_are_imported(self, code: Path, tmp_path: Path) -> None:
        """It ends meanwhile, too. What nodes import that are passed over is not imported at all."""
        slow, log = tmp_path / "slow", tmp_path / "warm_server.log"
        reports: list[dict[str, object]] = []

        def go_on(report: dict[str, object]) -> None:
            slow.touch()
            reports.append(report)

        nodes = ["CorpusGen", str(slow), "Attest", "Pusher"]
        with closing(NodeServer(code, nodes, log)) as server:
            assert run(server, "pass", tmp_path / "log", "CorpusGen")[0] == 7
            server.run(task("progress.report(message='waited')", "Pusher"), None, go_on)
        assert reports == [{}, {"message": "waited"}]
        imported = [line for line in log.read_text().splitlines() if line.startswith("imports")]
        assert imported == [f"imports {node}" for node in ("CorpusGen", slow, "Pusher")]

    @pytest.mark.parametrize("when", ["before a node", "beside a node", "after a node"])
    def test_ends_though_it_imports(
        self, when: str, code: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Nobody waits for imports that are for nobody, until they have to be killed."""
        signals: list[int] = []
        monkeypatch.setattr(os, "killpg", sending(signals))
        log = tmp_path / "warm_server.log"
        server = NodeServer(code, ["CorpusGen", str(tmp_path / "never")], log)

        def interrupt(report: dict[str, object]) -> None:
            if report:
                raise KeyboardInterrupt

        if when == "beside a node":
            program = "progress.report(message='runs'); time.sleep(600)"
            with pytest.raises(KeyboardInterrupt):
                server.run(task(program, "CorpusGen"), tmp_path / "log", interrupt)
        elif when == "after a node":
            run(server, "pass", tmp_path / "log", "CorpusGen")
        while "never" not in log.read_text() and when != "beside a node":
            time.sleep(0.01)
        server.close()
        assert signals == [signal.SIGTERM]

    def test_that_cannot_start_says_so(self, code: Path, tmp_path: Path) -> None:
        (code / "pipeline" / "launch.py").write_text("import no_such_module\n")
        log = tmp_path / "warm_server.log"
        server = NodeServer(code, [], log)
        with pytest.raises(NodeFailureError, match=r"server .* exit status 1") as failure:
            server.run(task("pass"), tmp_path / "log", lambda report: None)
        server.close()
        assert failure.value.log == log
        assert "no_such_module" in log.read_text()

    @pytest.mark.parametrize("error", [KeyboardInterrupt, BrokenPipeError])
    def test_leaves_no_process_behind(
        self, server: NodeServer, tmp_path: Path, error: type[BaseException]
    ) -> None:
        """An interrupt while a node runs ends the node, the server and what they have started.

        So does a reader of the progress that goes away, which is no end of the server.
        """
        program = (
            "child = subprocess.Popen(['sleep', '600'])\n"
            "progress.report(message=f'{os.getppid()} {os.getpid()} {child.pid}')\n"
            "time.sleep(600)"
        )
        processes: list[int] = []

        def interrupt(report: dict[str, object]) -> None:
            if report:
                processes.extend(map(int, str(report["message"]).split()))
                raise error

        with pytest.raises(error):
            server.run(task(program), tmp_path / "log", interrupt)
        server.close()
        assert len(processes) == 3
        assert all(map(ends, processes))


def test_a_node_that_is_ended_has_time_to_end_well(server: NodeServer, tmp_path: Path) -> None:
    """An interrupted run asks its node to end, and waits until what it does then is done."""
    whole = tmp_path / "whole"
    program = (
        "asked = []\n"
        "signal.signal(signal.SIGTERM, lambda *_: asked.append(1))\n"
        "progress.report(message='ready')\n"
        "while not asked: time.sleep(0.01)\n"
        "time.sleep(0.5)\n"
        "progress.report(phase='save')\n"
        f"pathlib.Path({str(whole)!r}).touch()\n"
    )

    def interrupt(report: dict[str, object]) -> None:
        if report:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        server.run(task(program), tmp_path / "log", interrupt)
    assert whole.exists()


def test_a_node_ends_when_its_run_is_gone(code: Path, tmp_path: Path) -> None:
    """A run that is killed cannot end its nodes; each sees that the run is gone."""
    reader, writer = os.pipe()
    run_process = os.fork()
    if run_process == 0:
        os.close(reader)

        def tell(report: dict[str, object]) -> None:
            if report:
                os.write(writer, str(report["message"]).encode())
                os.kill(os.getpid(), 9)

        program = "progress.report(message=str(os.getpid())); time.sleep(600)"
        NodeServer(code, [], tmp_path / "server.log").run(task(program), tmp_path / "log", tell)
        os._exit(1)
    os.close(writer)
    os.waitpid(run_process, 0)
    node = int(os.read(reader, 100))
    os.close(reader)
    assert ends(node)


@pytest.mark.parametrize(
    ("given", "expected"),
    [("", "glibc.malloc.hugetlb=1"), ("glibc.malloc.check=0", "glibc.malloc.check=0")],
)
def test_nodes_ask_for_huge_pages_unless_the_user_tunes_memory(
    given: str, expected: str, code: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GLIBC_TUNABLES", given)
    if not given:
        monkeypatch.delenv("GLIBC_TUNABLES")
    server = NodeServer(code, [], tmp_path / "warm_server.log")
    program = "progress.report(message=os.environ['GLIBC_TUNABLES'])"
    assert run(server, program, tmp_path / "log")[1] == [{"message": expected}]
    server.close()


def test_no_node_has_the_keys(code: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a node does may be a user's code."""
    for name in (SIGNING_KEY, ERASURE_KEY):
        monkeypatch.setenv(name, "secret")
    server = NodeServer(code, [], tmp_path / "logs" / "warm_server.log")
    program = "progress.report(message=str([v for v in os.environ.values() if v == 'secret']))"
    _, reports = run(server, program, tmp_path / "Trainer.log")
    server.close()
    assert reports == [{"message": "[]"}]
