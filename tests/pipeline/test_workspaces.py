"""Workspaces that share a store, and workspaces that are moved, copied, or of another layout."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline import cli
from pipeline.config_reading import load_config
from pipeline.lineage import pushed_artifact
from pipeline.manifests import content_root
from pipeline.store import Store, StoreReader
from pipeline.store.names import workspace_id
from preprocessing.base.errors import InputError
from tests.pipeline.test_runner import ALL, Launches
from tests.pipeline.tfx_records import complete
from tests.users import ANOTHER_USER, folder_of_another, give_to_another

CONFIG = "corpus:\n  task: text\n  path: corpus\n"


def project(folder: Path, store: Path | None = None) -> Launches:
    """A configuration with a corpus in a folder of its own, optionally on a store that others share."""
    (folder / "corpus").mkdir(parents=True)
    (folder / "corpus" / "one.txt").write_text("Some prose.\n")
    line = "" if store is None else f"store: sqlite:///{store}\n"
    (folder / "pipeline.yaml").write_text(CONFIG + line)
    return Launches(folder / "pipeline.yaml")


def texts_of(database: Path) -> bytes:
    return database.read_bytes()


class TestAMovedWorkspace:
    def test_is_reused_whole(self, tmp_path: Path) -> None:
        project(tmp_path / "a").run("run-1")
        (tmp_path / "a").rename(tmp_path / "b")
        moved = Launches(tmp_path / "b" / "pipeline.yaml")
        assert set(moved.run("run-2").nodes.values()) == {"cached"}
        assert moved.launched == []

    def test_has_no_path_of_where_it_was_in_its_store(self, tmp_path: Path) -> None:
        project(tmp_path / "a").run("run-1")
        database = tmp_path / "a" / "workspace" / "metadata.sqlite"
        assert str(tmp_path).encode() not in database.read_bytes()

    def test_and_its_copy_are_apart(self, tmp_path: Path) -> None:
        original = project(tmp_path / "a")
        original.run("run-1")
        shutil.copytree(tmp_path / "a", tmp_path / "b", symlinks=True)
        copy = Launches(tmp_path / "b" / "pipeline.yaml")
        for path in (tmp_path / "a" / "workspace" / "artifacts").rglob("result"):
            path.write_text("changed in the original")
        assert set(copy.run("run-2").nodes.values()) == {"cached"}
        store = copy.new("look").store
        for execution in store.executions_of_run("run-2"):
            for artifact in execution.outputs.values():
                assert content_root(artifact).is_relative_to(tmp_path / "b")
        copy.run("run-3", None, "seed=2")
        assert original.new("look").store.run("run-3") is None


class TestAUser:
    def test_may_have_spaces_and_other_letters_in_every_path_stand_elsewhere_and_have_no_home(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        launches = project(tmp_path / "the \u00c4rger's \u5bb6" / "a b")
        (launches.config_file.parent / "corpus" / "zwei \u00f6.txt").write_text("Prose.\n")
        monkeypatch.chdir("/")
        monkeypatch.delenv("HOME", raising=False)
        launches.run("run-1")
        assert set(launches.run("run-2").nodes.values()) == {"cached"}
        for command in (["plan"], ["status"], ["lineage", "show", "latest"]):
            assert cli.main(["--config", str(launches.config_file), *command]) == 0
        assert capsys.readouterr().err == ""

    def test_need_not_be_root(self, root: Path) -> None:
        """Another user does a run without TFX, looks, and finds nothing to do."""
        program = (
            "import sys\nfrom pathlib import Path\n"
            "from pipeline import cli\nfrom tests.pipeline.launches import Launches\n"
            "launches = Launches(Path(sys.argv[1]))\n"
            "launches.run('run-1')\n"
            "assert set(launches.run('run-2').nodes.values()) == {'cached'}\n"
            "assert cli.main(['--config', sys.argv[1], 'status']) == 0\n"
        )
        with folder_of_another() as folder:
            made = project(folder / "its own").config_file
            give_to_another(folder)
            done = subprocess.run(
                [*ANOTHER_USER, sys.executable, "-c", program, str(made)],
                cwd=root,
                capture_output=True,
                text=True,
                check=False,
            )
        assert done.returncode == 0, done.stderr
        assert "run-2" in done.stdout


class TestWorkspacesOnOneStore:
    @pytest.fixture
    def two(self, tmp_path: Path) -> tuple[Launches, Launches]:
        shared = tmp_path / "shared.sqlite"
        return project(tmp_path / "a", shared), project(tmp_path / "b", shared)

    def test_make_files_of_their_own(self, two: tuple[Launches, Launches], tmp_path: Path) -> None:
        first, second = two
        first.run("run-1")
        second.run("run-2")
        assert second.launched == ALL
        shutil.rmtree(tmp_path / "a")
        assert set(second.run("run-3").nodes.values()) == {"cached"}

    def test_do_not_lose_their_own_to_a_newer_one_elsewhere(
        self, two: tuple[Launches, Launches], tmp_path: Path
    ) -> None:
        first, second = two
        first.run("run-1")
        second.run("run-2")
        shutil.rmtree(tmp_path / "b")
        assert set(first.run("run-3").nodes.values()) == {"cached"}

    def test_may_have_runs_of_one_name(self, two: tuple[Launches, Launches]) -> None:
        first, second = two
        first.run("nightly")
        second.run("nightly", None, "seed=2")
        for launches in two:
            store = launches.new("look").store
            assert [run.run_id for run in store.runs()] == ["nightly"]
            assert {e.state for e in store.executions_of_run("nightly")} == {"COMPLETE"}

    def test_have_histories_of_their_own(self, two: tuple[Launches, Launches]) -> None:
        first, second = two
        first.run("run-1")
        store = second.new("look").store
        assert store.last_state("Trainer") is None
        assert list(store.history("Trainer")) == []
        assert list(store.artifacts("PushedModel")) == []

    def test_see_nothing_of_others_before_their_own_first_run(
        self, two: tuple[Launches, Launches], tmp_path: Path
    ) -> None:
        two[0].run("run-1")
        fresh = StoreReader("gpt2", f"sqlite:///{tmp_path / 'shared.sqlite'}", tmp_path / "new")
        assert fresh.runs() == []
        assert list(fresh.history("CorpusGen")) == []
        assert list(fresh.artifacts("Model")) == []

    def test_know_only_their_own_version_of_a_number(self, tmp_path: Path) -> None:
        url = f"sqlite:///{tmp_path / 'shared.sqlite'}"
        stores = [Store("gpt2", url, tmp_path / name) for name in ("a", "b")]
        for number, store in enumerate(stores):
            store.start_run("run", {"pipeline": "gpt2"})
            outputs = {"pushed_model": ("PushedModel", f"artifacts/{number}")}
            _, made = complete(store, "Pusher", f"k{number}", "run", outputs, digest=f"d{number}")
            store.record_success(
                _, {"node_key": f"k{number}"}, {made["pushed_model"]: {"pushed_version": "7"}}
            )
        assert [pushed_artifact(store, "7").digest for store in stores] == ["d0", "d1"]


class TestAWorkspacesId:
    def test_is_given_once_and_is_not_given_by_looking(self, tmp_path: Path) -> None:
        StoreReader("gpt2", None, tmp_path / "w")
        assert not (tmp_path / "w").exists()
        assert workspace_id(tmp_path / "w") == ""
        Store("gpt2", None, tmp_path / "w")
        given = workspace_id(tmp_path / "w")
        assert len(given) == 12
        Store("gpt2", None, tmp_path / "w")
        assert workspace_id(tmp_path / "w") == given


class TestLayouts:
    def old_store(self, workspace: Path) -> None:
        """A store as layout 1 had it: runs without a workspace in their names, and no mark."""
        from ml_metadata.proto import metadata_store_pb2 as pb

        from pipeline.store.connection import connection_config
        from pipeline.store.names import RUN
        from pipeline.store.workspace_store import WorkspaceStore

        mlmd = WorkspaceStore(connection_config(None, workspace), workspace)
        run = pb.Context(type_id=mlmd.put_context_type(pb.ContextType(name=RUN)), name="run-1")
        for name, value in (("pipeline", "gpt2"), ("launched_by", "run"), ("state", "complete")):
            run.custom_properties[name].string_value = value
        mlmd.put_contexts([run])

    def test_an_older_one_is_read_and_not_written(self, tmp_path: Path) -> None:
        self.old_store(tmp_path)
        reader = StoreReader("gpt2", None, tmp_path)
        assert [run.run_id for run in reader.runs()] == ["run-1"]
        for use in (lambda: Store("gpt2", None, tmp_path), reader.require_current_layout):
            with pytest.raises(InputError, match=r"layout 1.*name another `workspace`"):
                use()

    def test_a_newer_one_is_refused(self, tmp_path: Path) -> None:
        store = Store("gpt2", None, tmp_path)
        mlmd = store.connect()
        mark = mlmd.get_context_by_type_and_name("gpt2_tfx_layout", "gpt2_tfx_layout")
        mark.custom_properties["version"].int_value = 99
        mlmd.put_contexts([mark])
        for kind in (StoreReader, Store):
            with pytest.raises(InputError, match="layout 99"):
                kind("gpt2", None, tmp_path)


def test_a_plan_of_a_fresh_workspace_makes_nothing(tmp_path: Path) -> None:
    project(tmp_path / "a")
    loaded = load_config(tmp_path / "a" / "pipeline.yaml", ())
    StoreReader(loaded.config.name, loaded.config.store, loaded.workspace).runs()
    assert not loaded.workspace.exists()
