"""gc on a real store and real files, after runs whose launches stand in for TFX."""

import json
import os
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from unittest.mock import patch

import pytest

from pipeline import cli
from pipeline.code_snapshot import read_snapshot
from pipeline.config_reading import load_config
from pipeline.garbage import collector, removal
from pipeline.garbage.collector import Collection, collect, look
from pipeline.garbage.keeping import Decision, Policy
from pipeline.leases import RUN_LEASE, LeaseHeldError, Leases
from pipeline.lineage import pushed_artifact, show
from pipeline.manifests import content_root
from pipeline.node_process import NodeFailureError
from pipeline.nodes import node_table
from pipeline.planning import Step, plan
from pipeline.process_identity import ProcessIdentity, this_process
from pipeline.run_record import CONTAINERS, LOCAL_RUN, register_run
from pipeline.selection import Selection
from pipeline.store.names import COLLECTION
from preprocessing.base.digests import sha256_text
from preprocessing.base.errors import FailureError
from preprocessing.base.job_cache import write_sealed
from preprocessing.base.staging import CACHE_TAG, make_cache_folder
from preprocessing.corpus.memory import CorpusMemory
from preprocessing.corpus.shards import ShardFile, Written
from tests.pipeline.conftest import WriteConfig
from tests.pipeline.launches import Launches
from tests.pipeline.mortal_runs import Clock, Death, MortalLaunches, Process
from tests.pipeline.schemas import document_of
from tests.pipeline.test_runner import ALL
from tests.pipeline.tfx_records import TfxRecords
from tests.pipeline.trees import snapshot

LAST = Policy(keep=1)
DEAD = ProcessIdentity(this_process().host, this_process().boot, this_process().pid, "0")


def project_of_two_runs(folder: Path, blessed: bool) -> Path:
    """A project with two complete runs, of which the first pushed a version if it was blessed."""
    write(folder / "corpus" / "one.txt", "Some prose.\n")
    made = Launches(write(folder / "pipeline.yaml", "corpus: {task: text, path: corpus}\n"))
    run(made, 1, blessed=blessed)
    run(made, 2)
    return folder


@pytest.fixture(scope="module")
def two_runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return project_of_two_runs(tmp_path_factory.mktemp("ran"), blessed=False)


@pytest.fixture(scope="module")
def two_runs_and_a_version(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return project_of_two_runs(tmp_path_factory.mktemp("pushed"), blessed=True)


@pytest.fixture
def ran(two_runs: Path, tmp_path: Path) -> Launches:
    """Two complete runs, of which nothing was pushed."""
    shutil.copytree(two_runs, tmp_path, dirs_exist_ok=True)
    return Launches(tmp_path / "pipeline.yaml")


@pytest.fixture
def pushed(two_runs_and_a_version: Path, tmp_path: Path) -> Launches:
    """Two complete runs, of which the first pushed a version, and the second was not blessed."""
    shutil.copytree(two_runs_and_a_version, tmp_path, symlinks=True, dirs_exist_ok=True)
    return Launches(tmp_path / "pipeline.yaml")


@pytest.fixture(params=["sqlite", "postgresql", pytest.param("mariadb", marks=pytest.mark.long)])
def either(request: pytest.FixtureRequest, write_config: WriteConfig) -> Launches:
    """Runs of the small configuration on each store."""
    text = "corpus:\n  task: text\n  path: corpus\n"
    if request.param != "sqlite":
        text += f"store: {request.getfixturevalue(request.param)}\n"
    return Launches(write_config(text))


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    return tmp_path / "workspace"


def run(launches: Launches, seed: int, run_id: str = "", blessed: bool = False) -> None:
    """A run whose every node that runs makes something that no run with another seed has made."""
    launches.blessed = blessed
    launches.results = {name: f"{name} of {seed}" for name in ALL}
    launches.run(run_id or f"run-{seed}", None, f"seed={seed}")


def gc(launches: Launches, policy: Policy = LAST) -> Collection:
    return collect(load_config(launches.config_file, ()), policy, lambda text: None)


def dry(launches: Launches, policy: Policy = LAST) -> Decision:
    return look(load_config(launches.config_file, ()), policy)


def planned(launches: Launches, seed: int) -> list[Step]:
    opened = launches.new("look", f"seed={seed}")
    try:
        return plan(Selection().scope(node_table(opened.loaded.config)), opened.world)
    finally:
        opened.close()


def main(
    launches: Launches, capsys: pytest.CaptureFixture[str], *arguments: str
) -> tuple[int, str, str]:
    """(exit status, stdout, stderr) of a command line."""
    status = cli.main(["--config", str(launches.config_file), *arguments])
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def bytes_of(workspace: Path) -> int:
    """What the files of a workspace come to, each once, but for the metadata, in which gc itself writes."""
    files = [path for path in workspace.rglob("*") if path.is_symlink() or path.is_file()]
    counted = [
        path.lstat()
        for path in files
        if not path.name.startswith("metadata.sqlite") and path.parent.name != "values"
    ]
    return sum({(stat.st_dev, stat.st_ino): stat.st_size for stat in counted}.values())


def folders_of(launches: Launches, run_id: str) -> dict[str, list[Path]]:
    """Node -> where lies what a run has made or used again."""
    return {
        execution.node: [content_root(artifact) for artifact in execution.outputs.values()]
        for execution in launches.store.executions_of_run(run_id)
    }


def remember_corpus(workspace: Path, artifact: Path) -> None:
    """The memory of a corpus job that has put the shards of its only portion there."""
    file = ShardFile(0, "train", str(artifact / "a.tfrecord"), sha256_text("a"))
    CorpusMemory(workspace / "corpus").keep({"key": Written((file,), "")}, {})


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


class TestWhatGoes:
    def test_is_what_no_kept_run_needs_and_the_rest_is_used_again(
        self, either: Launches, workspace: Path
    ) -> None:
        run(either, 1)
        run(either, 2)
        old, kept = folders_of(either, "run-1"), folders_of(either, "run-2")
        assert gc(either).freed > 0
        # The schema is the same for every seed, so the second run has used the first one's again.
        gone = {node for node, folders in old.items() if not any(map(Path.exists, folders))}
        assert gone == set(ALL) - {"ImportSchemaGen"}
        assert all(folder.exists() for folders in kept.values() for folder in folders)
        assert [path.name for path in (workspace / "logs").glob("*")] == ["run-2"]
        executions = either.store.executions_of_run("run-2")
        made = [artifact for execution in executions for artifact in execution.outputs.values()]
        manifests = {path.stem for path in (workspace / "manifests").iterdir()}
        assert manifests == {artifact.manifest_digest for artifact in made}
        run(either, 2, "run-3")
        assert either.launched == []
        assert gc(either, Policy(keep=2)).decision.removed == []

    def test_is_made_again_when_it_is_needed_and_the_plan_says_why(self, either: Launches) -> None:
        run(either, 1)
        run(either, 2)
        gc(either)
        first = planned(either, 1)[0]
        assert (first.node.name, first.action) == ("CorpusGen", "run")
        (reason,) = first.reasons
        assert reason.kind == "missing"
        assert "/artifacts/CorpusGen/" in reason.detail
        assert " was collected by gc on 20" in reason.detail
        run(either, 1, "run-3")
        assert either.launched == [name for name in ALL if name != "ImportSchemaGen"]
        run(either, 1, "run-4")
        assert either.launched == []

    def test_leaves_what_a_run_that_broke_off_has_done_for_the_next_one(
        self, launches: Launches, workspace: Path
    ) -> None:
        run(launches, 1)
        launches.failing = {"Trainer"}
        with pytest.raises(NodeFailureError):
            run(launches, 2)
        launches.failing = set()
        key = launches.requests["Trainer"].key
        checkpoint = write(workspace / "checkpoints" / key / "ckpt-1.index", "x")
        other = write(workspace / "checkpoints" / sha256_text("other") / "ckpt-1.index", "x")
        put_by = write(workspace / "shards" / sha256_text("s") / "rows.tfrecord", "x")
        gc(launches)
        assert checkpoint.exists()
        assert not other.exists()
        assert put_by.exists()
        run(launches, 2, "run-3")
        assert launches.launched == ALL[ALL.index("Trainer") :]
        gc(launches)
        assert not put_by.exists()

    def test_is_chosen_over_all_pipelines_of_the_workspace(self, ran: Launches) -> None:
        text = ran.config_file.read_text()
        other = Launches(write(ran.config_file.with_name("other.yaml"), f"name: other\n{text}"))
        run(other, 3)
        run(other, 4)
        gc(other)
        models = [folders_of(other, f"run-{number}")["Trainer"][0] for number in (1, 2, 3, 4)]
        assert [model.exists() for model in models] == [False, True, False, True]

    def test_is_of_the_job_caches_what_belongs_to_nothing_kept(
        self, ran: Launches, workspace: Path
    ) -> None:
        executions = {e.node: e for e in ran.store.executions_of_run("run-2")}
        model = executions["Trainer"].outputs["model"].digest
        rows = executions["Tokenizer"].outputs["tokens"].digest

        def shard(name: str, rows: str) -> Path:
            folder = make_cache_folder(workspace / "shards") / sha256_text(name)
            write_sealed(str(folder / "entry"), json.dumps({"rows": rows}).encode())
            return folder

        def scores(**inputs: str) -> Path:
            folder = make_cache_folder(workspace / "scores" / "installed")
            name = f"{sha256_text(str(inputs))}.json"
            return write(folder / name, json.dumps({"inputs": inputs, "result": 1}))

        def part(**inputs: str) -> Path:
            """Of scores whose run was killed."""
            folder = make_cache_folder(workspace / "scores" / "installed")
            parts = folder / f"{sha256_text(str(inputs))}.parts"
            write(parts / "0.json", json.dumps({"inputs": inputs, "result": 1}))
            return parts

        kept = [
            shard("a", sha256_text("Tokenizer of 2")),
            scores(what="perplexity", model=model, rows=rows),
            part(what="texts", model=model, records=rows),
        ]
        gone = [
            shard("b", sha256_text("Tokenizer of 1")),
            shard("c", "damaged"),
            scores(what="perplexity", model=model, rows="other"),
            scores(what="texts", model="other", records=rows),
            part(what="texts", model="another", records=rows),
        ]
        for name in ("of-no-kind", "README.txt"):
            write(workspace / "shards" / name, "a user's own")
        of_old = folders_of(ran, "run-1")["CorpusGen"][0]
        remember_corpus(workspace, of_old)
        gc(ran)
        assert all(path.exists() for path in kept)
        assert not [path for path in gone if path.exists()]
        assert not (workspace / "corpus").exists()
        names = {path.name for path in (workspace / "shards").iterdir()}
        assert names == {CACHE_TAG, "of-no-kind", "README.txt", kept[0].name}

    def test_keeps_the_memory_of_the_corpus_job_whose_artifact_stays(
        self, ran: Launches, workspace: Path
    ) -> None:
        own = folders_of(ran, "run-2")["CorpusGen"][0]
        remember_corpus(workspace, own)
        gc(ran)
        assert CorpusMemory(workspace / "corpus").written("key") is not None

    def test_is_nothing_that_is_younger_than_asked_for(
        self, ran: Launches, workspace: Path
    ) -> None:
        assert gc(ran, Policy(1, older_than=3600.0)).decision.removed == []
        for path in workspace.rglob("*"):
            os.utime(path, (1.0, 1.0))
        assert gc(ran, Policy(1, older_than=3600.0)).decision.removed == []
        ran.store.update_run("run-1", {"started": 1.0})
        assert gc(ran, Policy(1, older_than=3600.0)).freed > 0

    def test_is_nothing_of_a_workspace_in_which_nothing_has_run(
        self, launches: Launches, workspace: Path
    ) -> None:
        assert gc(launches).freed == 0
        assert not workspace.exists()

    def test_is_nothing_where_the_store_is_another(
        self, ran: Launches, workspace: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        before = bytes_of(workspace)
        other = f"store=sqlite:///{workspace.parent / 'other.sqlite'}"
        status, _, error = main(ran, capsys, "gc", "--set", other)
        assert (status, bytes_of(workspace)) == (2, before)
        assert "knows no run of this workspace" in error


class TestPushedVersions:
    def test_keep_what_their_lineage_refers_to(self, pushed: Launches) -> None:
        gc(pushed, Policy(keep=0))
        needed = folders_of(pushed, "run-1").values()
        assert all(folder.exists() for folders in needed for folder in folders)
        assert not folders_of(pushed, "run-2")["Trainer"][0].exists()

    def test_stay_when_their_lineage_goes_and_it_says_collected(
        self, pushed: Launches, capsys: pytest.CaptureFixture[str]
    ) -> None:
        version = pushed.versions.latest()
        assert version is not None
        champion = pushed.new("look").world.champion("of another model")
        assert champion is not None
        gc(pushed, Policy(1, purge_lineage=True))
        assert pushed.versions.latest() == version
        assert (pushed.versions.path(version) / "weights").read_text() == "Trainer of 1"
        assert not folders_of(pushed, "run-1")["Trainer"][0].exists()
        assert pushed.new("look").world.champion("of another model") == champion
        document = show(pushed.store, pushed_artifact(pushed.store, version))
        collected = {each["node"] for each in document["artifacts"] if each["collected"]}
        assert collected == set(ALL) - {"ImportSchemaGen", "Pusher"}
        status, out, _ = main(pushed, capsys, "status", "--json")
        assert status == 0
        runs = {each["run_id"]: each["nodes"] for each in document_of("status", out)["runs"]}
        assert {n["node"] for n in runs["run-1"] if n["collected"]} == collected
        assert not [n for n in runs["run-2"] if n["collected"]]
        assert " collected 20" in main(pushed, capsys, "status")[1]
        assert " collected 20" in main(pushed, capsys, "lineage", "show", "latest")[1]

    def test_keep_nothing_when_they_are_gone(self, pushed: Launches) -> None:
        version = pushed.versions.latest()
        assert version is not None
        pushed.versions.path(version).rename(pushed.versions.folder / "moved away")
        gc(pushed)
        assert not folders_of(pushed, "run-1")["Trainer"][0].exists()


class TestADryRun:
    def test_says_what_gc_then_frees_and_writes_nothing(
        self, ran: Launches, workspace: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        model = folders_of(ran, "run-1")["Trainer"][0]
        os.link(model / "result", model / "again")
        os.link(model / "result", folders_of(ran, "run-1")["Tokenizer"][0] / "again")
        os.link(model / "result", workspace.parent / "outside")
        (model / "link").symlink_to(workspace.parent / "corpus")
        os.link(folders_of(ran, "run-1")["CorpusGen"][0] / "result", model / "twice")
        before, size = snapshot(workspace), bytes_of(workspace)
        status, out, _ = main(ran, capsys, "gc", "--keep", "1", "--dry-run", "--json")
        said = document_of("gc", out)
        assert (status, said["dry_run"]) == (0, True)
        assert snapshot(workspace) == before
        assert said["bytes"] == sum(each["bytes"] for each in said["removed"]) > 0
        listed = main(ran, capsys, "gc", "--keep", "1", "--dry-run")[1].splitlines()
        assert listed[-1].startswith(f"would free {said['bytes']} bytes")
        assert len(listed) == len(said["removed"]) + 2
        status, out, _ = main(ran, capsys, "gc", "--keep", "1", "--json")
        done = document_of("gc", out)
        assert (status, done["dry_run"], done["bytes"]) == (0, False, said["bytes"])
        assert done["removed"] == said["removed"]
        (event,) = ran.store.connect().get_executions_by_type(COLLECTION)
        assert event.custom_properties["bytes"].int_value == said["bytes"]
        kinds = Counter(each["kind"] for each in said["removed"])
        assert json.loads(event.custom_properties["items"].string_value) == kinds
        assert size - bytes_of(workspace) == said["bytes"] + len("Trainer of 1")
        assert (workspace.parent / "outside").read_text() == "Trainer of 1"
        assert (workspace.parent / "corpus" / "one.txt").exists()
        assert main(ran, capsys, "gc")[1].splitlines()[-1] == "freed 0 bytes (0 B)"

    def test_counts_what_a_dead_run_left_half_made(self, ran: Launches, workspace: Path) -> None:
        dead = _dead_run(ran)
        half = write(workspace / "artifacts" / "Trainer" / "model" / str(dead) / "half", "x" * 99)
        write(workspace / "artifacts/Trainer/.system/executor_execution" / str(dead) / "out", "y")
        said = dry(ran, Policy(keep=2))
        assert half.exists()
        before = bytes_of(workspace)
        done = gc(ran, Policy(keep=2))
        assert [item.path for item in done.decision.removed] == [i.path for i in said.removed]
        assert before - bytes_of(workspace) == done.freed == 100
        assert ran.store.execution(dead).state == "ABANDONED"

    def test_needs_only_to_read_and_a_run_may_be_at_work(
        self, ran: Launches, workspace: Path
    ) -> None:
        seen: list[Decision] = []

        def look_on() -> None:
            write(workspace / "artifacts" / "Trainer" / "model" / "999" / "half", "x")
            seen.append(dry(ran))

        ran.edits["Trainer"] = look_on
        run(ran, 3)
        (decision,) = seen
        assert "it is running" in decision.roots.values()
        paths = [item.path for item in decision.removed]
        assert not [path for path in paths if path.startswith("artifacts/Trainer/model/999")]


def _dead_run(launches: Launches) -> int:
    """A run whose process died in its Trainer; returns the execution's id."""
    loaded = load_config(launches.config_file, ())
    lease = Leases(launches.store, "dead", DEAD).acquire(RUN_LEASE, wait=False, say=print)
    register_run(launches.store, loaded, "dead", LOCAL_RUN, ALL, lease, read_snapshot())
    return TfxRecords(launches.store).start("Trainer", "dead", sha256_text("key"))


class TestBesideOthers:
    def test_a_run_is_told_of_gc_and_gc_of_a_run(
        self, ran: Launches, capsys: pytest.CaptureFixture[str]
    ) -> None:
        with (
            Leases(ran.store, "other").acquire(RUN_LEASE, wait=False, say=print),
        ):
            status, _, error = main(ran, capsys, "gc")
        assert status == 1
        assert f"the workspace is held by process {os.getpid()}" in error
        held: list[str] = []

        def meanwhile(*arguments: object) -> list[object]:
            with pytest.raises(LeaseHeldError, match="`gpt2-tfx gc`") as refused:
                run(ran, 2)
            held.append(str(refused.value))
            return []

        with patch.object(collector, "survey", meanwhile):
            gc(ran)
        assert held

    def test_gc_waits_for_no_run_of_containers(
        self, ran: Launches, capsys: pytest.CaptureFixture[str], workspace: Path
    ) -> None:
        loaded = load_config(ran.config_file, ())
        register_run(ran.store, loaded, "pods", CONTAINERS, ALL, None, read_snapshot())
        before = bytes_of(workspace)
        status, _, error = main(ran, capsys, "gc", "--keep", "0")
        assert (status, bytes_of(workspace)) == (1, before)
        assert "run pods of containers is not over" in error

    def test_a_container_waits_for_gc(self, ran: Launches) -> None:
        order: list[str] = []

        def wait_for(leases: Leases, key: str, say: Callable[[str], None]) -> None:
            state = ran.store.run("pods")
            assert state is not None
            order.append(f"{key} {state.properties['state']} {ran.launched}")

        with patch.object(Leases, "wait_for", wait_for):
            ran.node("pods", "CorpusGen", "seed=7")
        # It is registered by then, and gc looks for it only when it has its lease.
        assert order == ["gc running []"]
        assert ran.launched == ["CorpusGen"]


class TestBeingKilled:
    """The process is killed before a step: a write to the store, what it takes out of its place, what it removes."""

    def check(self, project: Path, folder: Path, step: int) -> bool:
        """Kill a gc, look at what it left, and let the next one end; returns whether it came so far."""
        shutil.copytree(project, folder)
        workspace, clock = folder / "workspace", Clock()
        killed = MortalLaunches(folder / "pipeline.yaml", Process(1, clock))
        killed.process.dies_before = step
        try:
            killed.gc(LAST)
        except Death:
            pass
        else:
            return False
        launches = MortalLaunches(folder / "pipeline.yaml", Process(2, clock))
        for number in (1, 2):
            made = folders_of(launches, f"run-{number}").items()
            for path in (path for _, paths in made for path in paths):
                assert (number == 1 and not path.exists()) or (path / "result").exists()
        launches.gc(LAST)
        assert not [*workspace.rglob(".collected-*")]
        assert dry(launches).removed == []
        ids = [
            artifact.id
            for execution in launches.store.executions_of_run("run-1")
            for artifact in execution.outputs.values()
            if not content_root(artifact).exists()
        ]
        assert len(ids) > len(ALL)
        assert [*launches.store.removals(ids)] == ids
        run(launches, 2, "run-3")
        assert launches.launched == []
        return True

    @pytest.mark.parametrize("step", [1, 6, 20, 45])
    def test_leaves_nothing_in_part_and_the_next_gc_goes_on(
        self, two_runs: Path, tmp_path: Path, step: int
    ) -> None:
        assert self.check(two_runs, tmp_path / "copy", step)

    @pytest.mark.long
    def test_before_any_step(self, two_runs: Path, tmp_path: Path) -> None:
        step = 1
        while self.check(two_runs, tmp_path / str(step), step):
            step += 1
        assert step > 45


class TestEndingEarly:
    @pytest.mark.parametrize(("where", "step"), [("set_aside", 7), ("remove", 0), ("remove", 7)])
    def test_anywhere_leaves_nothing_in_part_and_the_next_gc_goes_on(
        self, ran: Launches, workspace: Path, where: str, step: int
    ) -> None:
        said = dry(ran)
        left = bytes_of(workspace) - sum(size for size in _sizes(said))
        genuine, count = getattr(removal, where), 0

        def dying(path: Path) -> object:
            nonlocal count
            count += 1
            if count > step:
                # A removal dies between two files.
                if where == "remove" and path.is_dir():
                    next(p for p in path.rglob("*") if p.is_file()).unlink()
                raise KeyboardInterrupt
            return genuine(path)

        with patch.object(removal, where, dying), pytest.raises(KeyboardInterrupt):
            gc(ran)
        for execution in ran.store.executions_of_run("run-1"):
            for artifact in execution.outputs.values():
                folder = content_root(artifact)
                assert not folder.exists() or (folder / "result").exists()
        gc(ran)
        assert bytes_of(workspace) == left
        assert not [*workspace.rglob(".collected-*")]
        events = ran.store.removals(range(1, 40))
        gone = {
            artifact.id
            for execution in ran.store.executions_of_run("run-1")
            for artifact in execution.outputs.values()
            if not content_root(artifact).exists()
        }
        assert gone
        assert gone <= set(events)
        run(ran, 1, "run-3")
        assert ran.launched == [name for name in ALL if name != "ImportSchemaGen"]

    def test_before_the_store_was_told_is_told_by_the_next_gc(
        self, ran: Launches, workspace: Path
    ) -> None:
        with (
            patch.object(removal.Remover, "_record", side_effect=KeyboardInterrupt),
            pytest.raises(KeyboardInterrupt),
        ):
            gc(ran)
        (reason,) = planned(ran, 1)[0].reasons
        assert (reason.kind, reason.detail[-8:]) == ("missing", " is gone")
        gc(ran)
        (reason,) = planned(ran, 1)[0].reasons
        assert "was collected by gc" in reason.detail

    def test_what_cannot_be_looked_at_is_named(self, ran: Launches) -> None:
        denied = PermissionError(13, "Permission denied", "/w/artifacts/x")
        with (
            patch("pipeline.garbage.survey.measure", side_effect=denied),
            pytest.raises(FailureError, match=r"/w/artifacts/x: cannot be looked at: Permission"),
        ):
            dry(ran)

    def test_what_cannot_be_removed_is_named(self, ran: Launches) -> None:
        denied = PermissionError(13, "Permission denied", "x")
        with (
            patch.object(removal, "remove", side_effect=denied),
            pytest.raises(FailureError, match=r"\.collected-.*: cannot be removed: Permission"),
        ):
            gc(ran)
        assert gc(ran).freed > 0


def _sizes(decision: Decision) -> list[int]:
    return removal.freed_bytes(decision.removed)


class TestWhy:
    def why(
        self,
        launches: Launches,
        capsys: pytest.CaptureFixture[str],
        path: Path | str,
        keep: str = "1",
    ) -> tuple[str, dict[str, object]]:
        """The answer for people, and the document."""
        command = ("gc", "--keep", keep, "--why", str(path))
        text, out = (main(launches, capsys, *command, *more)[1] for more in ([], ["--json"]))
        return text, document_of("gc-why", out)

    def test_names_the_run_and_the_version_that_keep_a_file(
        self, pushed: Launches, workspace: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        before = snapshot(workspace)
        model = folders_of(pushed, "run-1")["Trainer"][0]
        text, document = self.why(pushed, capsys, model / "result", keep="2")
        assert "  run run-1: it is among the last 2 complete runs, through execution" in text
        assert f"  version {pushed.versions.latest()}: it is pushed, and `latest`" in text
        assert document["kept"] is True
        assert document["item"] == {
            "path": model.relative_to(workspace).as_posix(),
            "kind": "artifact",
        }
        assert snapshot(workspace) == before

    def test_says_that_nothing_does(
        self, ran: Launches, workspace: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        old = folders_of(ran, "run-1")["Trainer"][0].relative_to(workspace)
        text, document = self.why(ran, capsys, old)
        assert text.startswith(f"{old}: nothing keeps it")
        assert (document["kept"], document["keepers"]) == (False, [])

    def test_names_the_pin_of_a_version_and_what_gc_never_removes(
        self, pushed: Launches, workspace: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        version = pushed.versions.latest()
        assert version is not None
        main(pushed, capsys, "rollback", version)
        text, _ = self.why(pushed, capsys, workspace / "serving" / version / "weights")
        assert f"version {version}: it is pushed, and pinned by " in text
        text, document = self.why(pushed, capsys, workspace / "metadata.sqlite")
        assert "gc never removes it" in text
        assert (document["item"], document["kept"]) == (None, True)

    @pytest.mark.parametrize("path", ["/", "nowhere", "..", ""])
    def test_refuses_what_is_no_path_of_the_workspace(
        self, ran: Launches, capsys: pytest.CaptureFixture[str], path: str
    ) -> None:
        status, _, error = main(ran, capsys, "gc", "--why", path)
        assert status == 2
        assert "no file or folder in the workspace" in error


class TestFlags:
    @pytest.mark.parametrize(
        ("flags", "told"),
        [
            (["--keep", "-1"], "not a whole number of at least 0"),
            (["--keep", "x"], "not a whole number of at least 0"),
            (["--older-than", "3"], "not an age such as 12h"),
            (["--older-than", "d"], "not an age such as 12h"),
            (["--older-than", "1.5d"], "not an age such as 12h"),
        ],
    )
    def test_that_are_wrong_are_refused(
        self, launches: Launches, capsys: pytest.CaptureFixture[str], flags: list[str], told: str
    ) -> None:
        with pytest.raises(SystemExit) as ended:
            main(launches, capsys, "gc", *flags)
        assert ended.value.code == 2
        assert told in capsys.readouterr().err

    def test_say_ages_in_hours_days_and_weeks(self) -> None:
        from pipeline.arguments import parse

        ages = [parse(["gc", "--older-than", text]).older_than for text in ("12h", "30d", "2w")]
        assert ages == [12 * 3600.0, 30 * 86400.0, 14 * 86400.0]


class TestCacheFolders:
    def test_carry_the_tag_of_the_standard(self, tmp_path: Path) -> None:
        folder = make_cache_folder(tmp_path / "a" / "b")
        assert (folder / "CACHEDIR.TAG").read_bytes()[:43] == (
            b"Signature: 8a477f597d28d172789f06886806bc55"
        )
        before = snapshot(tmp_path)
        make_cache_folder(folder)
        assert snapshot(tmp_path) == before
