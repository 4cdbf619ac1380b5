"""A database server that goes away and comes back: the run waits for it, and what it comes to is the same."""

import contextlib
import os
import random
import re
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from ml_metadata import errors

from pipeline.store import Store, lasting_store
from pipeline.store.lasting_store import LastingStore
from pipeline.store.workspace_store import WorkspaceStore
from preprocessing.base.errors import FailureError, InputError
from tests import mariadb
from tests.pipeline.launches import Launches
from tests.postgresql import PASSWORD, SERVERS, running_postgresql

# As PostgreSQL's client says it.
LOST = "PostgreSQL metadata source error: server closed the connection unexpectedly"


def project(folder: Path, url: str | None = None) -> Launches:
    (folder / "corpus").mkdir(parents=True)
    (folder / "corpus" / "one.txt").write_text("Some prose.\n")
    store = "" if url is None else f"store: {url}\n"
    (folder / "pipeline.yaml").write_text(f"corpus: {{task: text, path: corpus}}\n{store}")
    return Launches(folder / "pipeline.yaml")


def runs_of(launches: Launches, again: bool = True) -> dict[str, Any]:
    """What a run leaves in the store, without what no two stores have in common.

    again: with one behind it of other parameters, which reuses what these do not reach.
    """
    launches.run("run-1")
    if again:
        launches.run("run-2", None, "training.steps=9")
    mlmd = launches.store.connect()
    executions, artifacts = mlmd.get_executions(), mlmd.get_artifacts()
    events = mlmd.get_events_by_execution_ids([execution.id for execution in executions])
    workspace = launches.store.names.workspace
    # A database leaves numbers out after a crash.
    order = [{node.id: at for at, node in enumerate(nodes)} for nodes in (executions, artifacts)]
    versions = launches.versions.names()
    return {
        "executions": [(e.type, e.last_known_state, len(e.custom_properties)) for e in executions],
        "artifacts": [
            (a.type, a.uri.rpartition("/")[0].partition("workspace/")[2], len(a.custom_properties))
            for a in artifacts
        ],
        "events": sorted(
            (order[0][e.execution_id], order[1][e.artifact_id], e.type) for e in events
        ),
        "contexts": sorted((c.type, c.name.replace(workspace, "")) for c in mlmd.get_contexts()),
        "serving": [
            (e.kind, versions.index(e.version), e.happened) for e in launches.store.serving_events()
        ],
        "states": [run.properties["state"] for run in launches.store.runs()],
    }


def lose(monkeypatch: pytest.MonkeyPatch, done: bool, prefix: str = "Put") -> set[bytes]:
    """Each call is lost once: its answer when it is done, or the call itself."""
    lost: set[bytes] = set()
    call = LastingStore._call_method

    def call_and_lose(self: Any, method_name: str, request: Any, response: Any) -> None:
        content = request.SerializeToString()
        if method_name.startswith(prefix) and content not in lost:
            lost.add(content)
            if done:
                call(self, method_name, request, type(response)())
            raise errors.InternalError(LOST)
        call(self, method_name, request, response)

    monkeypatch.setattr(LastingStore, "_call_method", call_and_lose)
    return lost


@pytest.mark.parametrize("done", [True, False], ids=["its answer", "the call"])
def test_a_run_each_of_whose_writes_is_lost_once_leaves_what_any_other_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, done: bool
) -> None:
    expected = runs_of(project(tmp_path / "undisturbed"))
    disturbed = project(tmp_path / "disturbed")
    lost = lose(monkeypatch, done)
    assert runs_of(disturbed) == expected
    assert len(lost) > 100


def test_reading_goes_on_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    launches = project(tmp_path)
    launches.run("run-1")
    expected = launches.store.executions_of_run("run-1")
    lose(monkeypatch, done=False, prefix="Get")
    assert launches.store.executions_of_run("run-1") == expected


class Server:
    """Lets a store be away: its calls fail, and so does opening it, as often as it is told."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.away_for: float = 0
        self.now = 0.0
        self.refusal = "connection refused"
        call, init = LastingStore._call_method, lasting_store.ml_metadata.MetadataStore.__init__

        def call_if_there(connection: Any, *arguments: Any) -> None:
            if self.away_for > self.now:
                raise errors.InternalError(LOST)
            call(connection, *arguments)

        def open_if_there(connection: Any, *arguments: Any) -> None:
            if self.away_for > self.now:
                raise RuntimeError(self.refusal)
            init(connection, *arguments)

        def sleep(seconds: float) -> None:
            self.now += seconds

        monkeypatch.setattr(LastingStore, "_call_method", call_if_there)
        monkeypatch.setattr(lasting_store.ml_metadata.MetadataStore, "__init__", open_if_there)
        monkeypatch.setattr(lasting_store.time, "sleep", sleep)
        monkeypatch.setattr(lasting_store.time, "monotonic", lambda: self.now)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Server:
    return Server(monkeypatch)


def opened(folder: Path) -> Store:
    return Store("gpt2", None, folder)


class TestAServerThatIsAway:
    def test_is_waited_for_with_one_line(
        self, tmp_path: Path, server: Server, capsys: pytest.CaptureFixture[str]
    ) -> None:
        store = opened(tmp_path)
        server.away_for = 50
        assert store.runs() == []
        assert server.now == pytest.approx(50)
        (line,) = capsys.readouterr().err.splitlines()
        assert "is away; waiting for it, 60 s at most" in line

    def test_for_longer_is_a_failure(self, tmp_path: Path, server: Server) -> None:
        store = opened(tmp_path)
        server.away_for = 1000
        with pytest.raises(FailureError, match="See that it is up"):
            store.runs()
        assert server.now < 70
        server.away_for = 0
        assert store.runs() == []

    def test_at_the_start_is_a_mistake_at_once(self, tmp_path: Path, server: Server) -> None:
        server.away_for = 1000
        with pytest.raises(InputError, match="cannot open the metadata store"):
            opened(tmp_path)
        assert server.now == 0

    def test_is_waited_for_where_it_was_there_a_moment_ago(
        self, tmp_path: Path, server: Server
    ) -> None:
        connection = opened(tmp_path).connection
        server.away_for = 5
        WorkspaceStore(connection, tmp_path, waits=True)
        assert server.now == pytest.approx(5)

    @pytest.mark.parametrize(
        "refusal",
        [
            "This may be due to concurrent connection to the empty database.",
            'ERROR: relation "type" already exists',
            'ERROR: type "type" already exists',
        ],
    )
    def test_whose_tables_another_is_making_is_opened_when_they_are_there(
        self, tmp_path: Path, server: Server, capsys: pytest.CaptureFixture[str], refusal: str
    ) -> None:
        server.refusal = refusal
        server.away_for = 3
        assert opened(tmp_path / "one").runs() == []
        server.away_for = 1000
        with pytest.raises(InputError, match=re.escape(refusal)):
            opened(tmp_path / "two")
        assert 10 < server.now < 20
        assert capsys.readouterr().err == ""

    def test_is_opened_once_by_threads_that_share_a_connection(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        store = opened(tmp_path)
        lose(monkeypatch, done=False, prefix="Get")
        opens: list[int] = []
        open_ = LastingStore._open
        monkeypatch.setattr(
            LastingStore, "_open", lambda self, give_up: (opens.append(1), open_(self, give_up))
        )
        threads = [threading.Thread(target=store.run, args=("run-1",)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert store.run("run-1") is None
        assert len(opens) <= 4


def test_what_cannot_be_done_twice_is_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from ml_metadata.proto import metadata_store_pb2 as pb

    mlmd = opened(tmp_path).connect()
    type_id = mlmd.put_artifact_type(pb.ArtifactType(name="Model"))
    lose(monkeypatch, done=True)
    with pytest.raises(FailureError):
        mlmd.put_artifacts([pb.Artifact(type_id=type_id)])
    assert len(mlmd.get_artifacts()) == 1


def test_another_error_is_no_lost_connection(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = opened(tmp_path)
    opens: list[int] = []
    monkeypatch.setattr(LastingStore, "_open", lambda *_: opens.append(1))

    def fail(*_: Any) -> None:
        raise errors.InternalError("the disk is full")

    monkeypatch.setattr(LastingStore, "_call_method", fail)
    with pytest.raises(FailureError, match="disk is full"):
        store.runs()
    assert opens == []


@pytest.fixture(params=["postgresql", pytest.param("mariadb", marks=pytest.mark.long)])
def server_and_url(request: pytest.FixtureRequest) -> tuple[Any, str]:
    """A database server, and the URL of an empty database in it."""
    url = request.getfixturevalue(request.param)
    return request.getfixturevalue(f"{request.param}_server"), url


def test_a_server_ends_its_connections_in_the_middle_of_nodes_and_comes_back(
    tmp_path: Path, server_and_url: tuple[Any, str]
) -> None:
    """In one of them it is away for a while."""
    database, url = server_and_url
    expected = runs_of(project(tmp_path / "undisturbed"), again=False)
    disturbed = project(tmp_path / "disturbed", url)
    allow = threading.Timer(0.7, database.allow_connections, [url, True])

    def go_away() -> None:
        database.allow_connections(url, False)
        allow.start()
        database.disconnect(url)

    disturbed.edits["Trainer"] = go_away
    for name in ("CorpusGen", "Pusher"):
        disturbed.edits[name] = lambda: database.disconnect(url)
    assert runs_of(disturbed, again=False) == expected
    allow.join()


def may_run(kind: str) -> bool:
    """Whether a server of a kind can be started here."""
    if kind == "mariadb":
        return mariadb.SERVER is not None and mariadb.INSTALL is not None
    return bool(SERVERS) and os.geteuid() == 0


@pytest.mark.long
@pytest.mark.parametrize(
    ("kind", "running"),
    [("postgresql", running_postgresql), ("mariadb", mariadb.running_mariadb)],
)
def test_a_server_is_stopped_at_any_moment_and_comes_back(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    kind: str,
    running: Callable[[], AbstractContextManager[Any]],
) -> None:
    """At twenty moments, before a call and after it, before its answer has come."""
    if not may_run(kind):
        pytest.skip("needs Debian's mariadb, or root and its postgresql (make debian)")
    monkeypatch.setenv("STORE_PASSWORD", PASSWORD)
    call = LastingStore._call_method
    with running() as server:
        moments = Moments(server)
        monkeypatch.setattr(
            LastingStore, "_call_method", lambda *arguments: moments.meet(call, *arguments)
        )
        expected = runs_of(project(tmp_path / "undisturbed", server.new_database()))
        calls, chosen = moments.calls, random.Random(15)
        assert calls > 500
        for number in range(20):
            moments.calls, moments.stops_at = 0, chosen.randrange(1, calls)
            moments.answered = chosen.random() < 0.5
            moments.mode = chosen.choice(["fast", "immediate"])
            launches = project(tmp_path / str(number), server.new_database())
            assert runs_of(launches) == expected, vars(moments)
            assert moments.stopped == number + 1
            # The call may be that of a heartbeat, which outlasts the run.
            assert moments.starting.wait(60)
            moments.starting.clear()
            moments.back.join()
    assert capsys.readouterr().err.count("is away; waiting for it") >= 15


class Moments:
    """Counts calls, and stops a server at one of them: before it is made, or before its answer comes."""

    def __init__(self, server: Any) -> None:
        self.server = server
        self.calls = self.stopped = 0
        self.stops_at: int | None = None
        self.answered = False
        self.mode = "fast"
        self.back = threading.Thread()
        self.starting = threading.Event()

    def meet(self, call: Callable[..., None], *arguments: Any) -> None:
        self.calls += 1
        if self.calls != self.stops_at:
            call(*arguments)
            return
        self.stopped += 1
        if self.answered:
            store, method_name, request, response = arguments
            # The answer, be it that there is no such thing, does not come.
            with contextlib.suppress(errors.StatusError):
                call(store, method_name, request, type(response)())
        self.server.stop(self.mode)
        self.back = threading.Timer(0.5, self.server.start)
        self.back.start()
        self.starting.set()
        if self.answered:
            raise errors.InternalError(LOST)
        call(*arguments)
