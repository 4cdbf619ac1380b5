"""A run over the node table, with launches that write to the store and the disk as TFX does."""

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline import world
from pipeline.code_snapshot import read_snapshot
from pipeline.commands.status import last_runs
from pipeline.config import Config
from pipeline.keys import Reason
from pipeline.leases import Lease, LeaseHeldError, Leases
from pipeline.node_process import NodeFailureError
from pipeline.nodes import node_table
from pipeline.planning import plan
from pipeline.selection import Selection
from preprocessing.base.errors import InputError
from serving.versions import Versions
from tests.pipeline.launches import Launches, Silence


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of this project that a test may edit, in place of the genuine one."""
    copy = read_snapshot().write(tmp_path / "project")
    monkeypatch.setattr(world, "read_snapshot", lambda root=copy: read_snapshot(root))
    return copy


ALL = [node.name for node in node_table(Config())]


class TestAWholeRun:
    def test_runs_everything_once_and_nothing_the_second_time(self, launches: Launches) -> None:
        first = launches.run("run-1")
        assert launches.launched == ALL
        assert set(first.nodes.values()) == {"run"}
        second = launches.run("run-2")
        assert launches.launched == []
        assert set(second.nodes.values()) == {"cached"}

    def test_hands_the_folders_of_this_machine_to_the_nodes_that_keep_something_in_them(
        self, launches: Launches, tmp_path: Path
    ) -> None:
        launches.run("run-1")
        key = launches.requests["Trainer"].key
        workspace = tmp_path / "workspace"

        def paths(name: str) -> dict[str, str]:
            environment = launches.requests[name].environment
            return {k: v for k, v in environment.items() if k != "GPT2_TFX_VOCABULARY_DIGEST"}

        index = {"GPT2_TFX_INDEX": str(workspace / "index.html")}
        assert paths("Tokenizer") == index | {"GPT2_TFX_JOB_CACHE": str(workspace)}
        base = {"GPT2_TFX_BASE_STATS": str(workspace / "logs" / "run-1" / "base_model.json")}
        checkpoints = {"GPT2_TFX_CHECKPOINTS": str(workspace / "checkpoints" / key)}
        assert paths("Trainer") == index | base | checkpoints
        assert paths("CorpusGen") == index | {"GPT2_TFX_JOB_CACHE": str(workspace)}
        (scores,) = dict(paths("Evaluator").items() - (index | base).items()).values()
        assert Path(scores).parent == workspace / "scores"
        assert paths("Pusher") == {"GPT2_TFX_SERVING": str(workspace / "serving")}

    def test_code_that_is_edited_meanwhile_is_of_the_next_run(
        self, launches: Launches, project: Path
    ) -> None:
        """Attest runs with the code that the run began with, and its key says so."""
        attest = project / "components" / "attest.py"
        launches.edits["Trainer"] = lambda: attest.write_text("edited = True\n")
        launches.run("run-1")
        assert launches.launched == ALL
        launches.edits.clear()
        launches.run("run-2")
        assert launches.launched == ["Attest"]

    def test_a_syntax_error_that_somebody_makes_meanwhile_ends_nothing(
        self, launches: Launches, project: Path
    ) -> None:
        evaluator = project / "components" / "evaluator.py"
        launches.edits["Trainer"] = lambda: evaluator.write_text("def (\n")
        launches.run("run-1")
        assert launches.launched == ALL

    def test_a_run_records_which_code_it_began_with(
        self, launches: Launches, project: Path
    ) -> None:
        code = read_snapshot(project)
        launches.edits["Trainer"] = lambda: (project / "trainer" / "run.py").write_text("")
        launches.run("run-1")
        store = launches.new("look").store
        run = store.run("run-1")
        assert run is not None
        assert run.properties["code"] == code.digest
        assert run.properties["python"] == code.python
        (execution,) = store.history("Pusher")
        assert execution.properties["code"] == code.digest

    def test_other_sampling_defaults_train_nothing(self, launches: Launches) -> None:
        launches.run("run-1")
        launches.run("run-2", None, "generation.top_p=0.5", "generation.max_new_tokens=7")
        assert launches.launched == ["Evaluator", "Pusher"]

    def test_how_often_training_logs_and_what_it_keeps_runs_nothing(
        self, launches: Launches
    ) -> None:
        launches.run("run-1")
        often = ("training.log_every=3", "training.checkpoint_every=7")
        launches.run("run-2", None, *often, "training.keep_checkpoints=1")
        assert launches.launched == []

    def test_a_vocabulary_in_another_place_runs_nothing(
        self, launches: Launches, tmp_path: Path
    ) -> None:
        for name in ("here", "there"):
            (tmp_path / name).mkdir()
            (tmp_path / name / "encoder.json").write_text("{}")
            (tmp_path / name / "vocab.bpe").write_text("#version: 0.2\n")
        (tmp_path / "there" / "README").write_text("No part of a vocabulary.")
        launches.run("run-1", None, "tokens.vocabulary=here")
        launches.run("run-2", None, "tokens.vocabulary=there")
        assert launches.launched == []

    def test_a_touched_corpus_runs_nothing(self, launches: Launches, tmp_path: Path) -> None:
        launches.run("run-1")
        (tmp_path / "corpus" / "one.txt").touch()
        launches.run("run-2")
        assert launches.launched == []

    def test_a_changed_corpus_runs_what_its_change_reaches(
        self, launches: Launches, tmp_path: Path
    ) -> None:
        launches.run("run-1")
        (tmp_path / "corpus" / "one.txt").write_text("Other prose.\n")
        launches.results["CorpusGen"] = "other records"
        launches.run("run-2")
        assert launches.launched == [
            "CorpusGen",
            "StatisticsGen",
            "ExampleValidator",
            "Tokenizer",
            "Evaluator",
            "Attest",
        ]

    def test_an_equal_result_ends_the_rerun(self, launches: Launches, tmp_path: Path) -> None:
        launches.run("run-1")
        (tmp_path / "corpus" / "one.txt").write_text("Other prose.\n")
        result = launches.run("run-2")
        assert launches.launched == ["CorpusGen"]
        assert result.nodes["Tokenizer"] == "cached"

    def test_a_forced_node_runs(self, launches: Launches) -> None:
        launches.run("run-1")
        launches.run("run-2", Selection(forced=("Trainer",)))
        assert launches.launched == ["Trainer"]

    def test_a_damaged_output_is_made_again(self, launches: Launches, tmp_path: Path) -> None:
        launches.run("run-1")
        (path,) = (tmp_path / "workspace/artifacts/Trainer/model").glob("*/result")
        path.write_text("tampered")
        launches.run("run-2")
        assert launches.launched == ["Trainer"]
        launches.run("run-3")
        assert launches.launched == []

    def test_going_back_to_earlier_parameters_reuses(self, launches: Launches) -> None:
        launches.run("run-1")
        launches.results["Trainer"] = "trained longer"
        launches.run("run-2", None, "training.steps=9")
        assert launches.launched == ["Trainer", "Evaluator", "Attest", "Pusher"]
        launches.run("run-3")
        assert launches.launched == []

    def test_status_says_why_a_node_ran(self, launches: Launches) -> None:
        launches.run("run-1")
        launches.results["Trainer"] = "trained longer"
        launches.run("run-2", None, "training.steps=9")
        run = last_runs(launches.store, 1)[0]
        reasons = {node["node"]: node["reason"] for node in run["nodes"]}
        assert reasons["Trainer"] == "params: training.steps: None -> 9"
        assert reasons["CorpusGen"] == ""

    def test_a_renamed_pipeline_reuses_what_is_there(self, launches: Launches) -> None:
        launches.run("run-1")
        launches.run("run-2", None, "name=renamed")
        assert launches.launched == []


class TestThePlan:
    """What `plan` says, with the real store and files; `test_plan_holds.py` goes through more histories."""

    def said(
        self, launches: Launches, selection: Selection, overrides: list[str]
    ) -> dict[str, str]:
        run = launches.new("plan", *overrides)
        try:
            scope = selection.scope(node_table(run.loaded.config))
            return {step.node.name: step.action for step in plan(scope, run.world)}
        finally:
            run.close()

    def test_is_what_a_run_then_does(self, launches: Launches, tmp_path: Path) -> None:
        def damage() -> None:
            for path in (tmp_path / "workspace/artifacts/Tokenizer/tokens").glob("*/result"):
                path.write_text("tampered")

        def edit() -> None:
            (tmp_path / "corpus" / "one.txt").write_text("Other prose.\n")

        def edit_what_counts() -> None:
            (tmp_path / "corpus" / "one.txt").write_text("Prose of a third kind.\n")
            launches.results["CorpusGen"] = "other records"

        history: list[tuple[Callable[[], object] | None, Selection, list[str]]] = [
            (None, Selection(last=("Tokenizer",)), []),
            (None, Selection(), []),
            (None, Selection(first=("Evaluator",), forced=("Attest",)), []),
            (edit, Selection(), []),
            (edit_what_counts, Selection(), []),
            (damage, Selection(), []),
            (None, Selection(last=("Trainer",)), ["seed=2"]),
            (None, Selection(first=("Trainer",)), ["seed=2"]),
            (None, Selection(), []),
        ]
        outcomes = {"run": {"run"}, "reuse": {"cached"}, "maybe": {"run", "cached"}}
        met = set()
        for number, (change, selection, overrides) in enumerate(history):
            if change is not None:
                change()
            said = self.said(launches, selection, overrides)
            result = launches.run(f"run-{number}", selection, *overrides)
            for name, state in result.nodes.items():
                assert state in (outcomes[said[name]] if name in said else {"skipped"})
                met.add((said.get(name), state))
        assert met == {
            (None, "skipped"),
            *(("run", "run"), ("reuse", "cached"), ("maybe", "run"), ("maybe", "cached")),
        }


class TestSelections:
    def test_to_leaves_the_rest_skipped(self, launches: Launches) -> None:
        result = launches.run("run-1", Selection(last=("Tokenizer",)))
        assert launches.launched[-1] == "Tokenizer"
        assert {n for n, state in result.nodes.items() if state == "skipped"} == {
            *("Trainer", "Evaluator", "Attest", "Pusher")
        }

    def test_from_refuses_where_what_is_above_is_out_of_date(
        self, launches: Launches, tmp_path: Path
    ) -> None:
        launches.run("run-1")
        (tmp_path / "corpus" / "one.txt").write_text("Other prose.\n")
        with pytest.raises(
            InputError, match=r"CorpusGen is out of date .*corpus changed: 1 changed \(one.txt\)"
        ):
            launches.run("run-2", Selection(first=("Trainer",)))
        assert launches.launched == []
        assert launches.new("look").store.run("run-2") is None

    def test_a_package_of_another_version_is_named(
        self, launches: Launches, project: Path, tmp_path: Path
    ) -> None:
        launches.run("run-1")
        read_snapshot(project).write(tmp_path / "workspace" / "code")
        lock = project / "requirements" / "cpu.lock"
        lock.write_bytes(lock.read_bytes().replace(b"\nsix==1.17.0 ", b"\nsix==1.18.0 "))
        look = launches.new("look")
        steps = plan(Selection().scope(node_table(look.loaded.config)), look.world)
        assert {step.action for step in steps} == {"run"}
        assert steps[0].reasons == (
            Reason("environment", "requirements/cpu.lock changed: six 1.17.0 -> 1.18.0"),
        )

    def test_from_refuses_before_anything_runs(self, launches: Launches, tmp_path: Path) -> None:
        """ImportSchemaGen comes after StatisticsGen in the table, so that what is out of date shows late."""
        for name in ("one", "two"):
            (tmp_path / name).write_text(f"feature {{ name: '{name}' }}\n")
        launches.run("run-1", None, "validation.schema=one")
        with pytest.raises(InputError, match="ImportSchemaGen is out of date"):
            launches.run(
                "run-2",
                Selection(first=("StatisticsGen",), forced=("StatisticsGen",)),
                "validation.schema=two",
            )
        assert launches.launched == []


class TestFailures:
    def test_a_failed_run_is_recorded_and_the_next_goes_on_from_there(
        self, launches: Launches
    ) -> None:
        launches.failing = {"Trainer"}
        with pytest.raises(NodeFailureError):
            launches.run("run-1")
        store = launches.new("look").store
        run = store.run("run-1")
        assert run is not None
        assert run.properties["state"] == "failed"
        assert store.last_state("Trainer") == "FAILED"
        launches.failing = set()
        result = launches.run("run-2")
        assert launches.launched == ALL[ALL.index("Trainer") :]
        assert result.nodes["Tokenizer"] == "cached"

    def test_an_interrupted_run_is_abandoned_and_leaves_nothing_behind(
        self, launches: Launches, tmp_path: Path
    ) -> None:
        launches.dying = {"Trainer"}
        with pytest.raises(SystemExit):
            launches.run("run-1")
        store = launches.new("look").store
        run = store.run("run-1")
        assert run is not None
        assert run.properties["state"] == "abandoned"
        assert store.last_state("Trainer") == "ABANDONED"
        assert list((tmp_path / "workspace" / "artifacts" / "Trainer").glob("*/*")) == []


class TestANodeAsAContainerRunsIt:
    def test_the_nodes_of_a_run_one_by_one_make_a_complete_run(self, launches: Launches) -> None:
        for name in ALL:
            assert launches.node("kfp-1", name).nodes == {name: "run"}
        run = launches.new("look").store.run("kfp-1")
        assert run is not None
        assert run.properties["state"] == "complete"

    def test_the_next_run_reuses_them(self, launches: Launches) -> None:
        for run_id in ("kfp-1", "kfp-2"):
            states = [launches.node(run_id, name).nodes[name] for name in ALL]
        assert set(states) == {"cached"}

    def test_a_container_that_is_started_twice_does_it_once(self, launches: Launches) -> None:
        launches.node("kfp-1", "CorpusGen")
        launches.node("kfp-1", "CorpusGen")
        assert launches.launched == []

    def test_a_killed_container_is_tried_again(self, launches: Launches, tmp_path: Path) -> None:
        launches.dying = {"CorpusGen"}
        with pytest.raises(SystemExit):
            launches.node("kfp-1", "CorpusGen")
        launches.dying = set()
        assert launches.node("kfp-1", "CorpusGen").nodes == {"CorpusGen": "run"}
        assert launches.node("kfp-1", "StatisticsGen").nodes == {"StatisticsGen": "run"}

    def test_one_that_is_stopped_leaves_nothing_running(
        self, launches: Launches, tmp_path: Path
    ) -> None:
        launches.dying = {"CorpusGen"}
        with pytest.raises(SystemExit):
            launches.node("kfp-1", "CorpusGen")
        assert launches.new("look").store.last_state("CorpusGen") == "ABANDONED"
        assert list((tmp_path / "workspace" / "artifacts" / "CorpusGen").glob("*/*")) == []

    def test_one_killed_between_completion_and_record_is_done_again_when_tried_again(
        self, launches: Launches, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with monkeypatch.context() as patched:
            patched.setattr("pipeline.node_launcher.record_success", _die)
            with pytest.raises(SystemExit):
                launches.node("kfp-1", "CorpusGen")
        with pytest.raises(InputError, match="CorpusGen has not run"):
            launches.node("kfp-1", "StatisticsGen")
        assert launches.node("kfp-1", "CorpusGen").nodes == {"CorpusGen": "run"}
        assert launches.launched == ["CorpusGen"]
        assert launches.node("kfp-1", "StatisticsGen").nodes == {"StatisticsGen": "run"}
        assert launches.node("kfp-2", "CorpusGen").nodes == {"CorpusGen": "cached"}


def _die(*_: object) -> None:
    raise SystemExit("killed")


def before_its_lease(monkeypatch: pytest.MonkeyPatch, do: Callable[[], object]) -> None:
    """Do something when the next run has decided about a node and has not taken its lease yet."""
    acquire = Leases.acquire

    def acquire_late(self: Leases, key: str, wait: bool, say: Callable[[str], None]) -> Lease:
        monkeypatch.setattr(Leases, "acquire", acquire)
        do()
        return acquire(self, key, wait, say)

    monkeypatch.setattr(Leases, "acquire", acquire_late)


class TestTwoAtOnce:
    def test_a_container_waits_for_another_that_does_the_same_and_takes_what_it_made(
        self, config_file: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        first, second = Launches(config_file), Launches(config_file)
        begun, waited_for = threading.Event(), threading.Event()
        first.edits["CorpusGen"] = lambda: (begun.set(), waited_for.wait(60))
        monkeypatch.setattr(Silence, "note", lambda self, text: waited_for.set())
        thread = threading.Thread(target=first.node, args=("kfp-1", "CorpusGen"))
        thread.start()
        assert begun.wait(60)
        result = second.node("kfp-2", "CorpusGen")
        thread.join()
        assert result.nodes == {"CorpusGen": "cached"}
        assert (first.launched, second.launched) == (["CorpusGen"], [])

    def test_what_was_recorded_between_the_decision_and_the_lease_is_not_done_again(
        self, config_file: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        first, second = Launches(config_file), Launches(config_file)
        before_its_lease(monkeypatch, lambda: first.node("kfp-1", "CorpusGen"))
        assert second.node("kfp-2", "CorpusGen").nodes == {"CorpusGen": "cached"}
        assert (first.launched, second.launched) == (["CorpusGen"], [])

    def test_what_was_recorded_then_and_not_published_is_published(
        self, config_file: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        first, second = Launches(config_file), Launches(config_file)
        for run_id, launches in (("kfp-1", first), ("kfp-2", second)):
            for name in ALL[:-1]:
                launches.node(run_id, name)

        def push_and_die() -> None:
            with monkeypatch.context() as patched:
                patched.setattr(Versions, "publish", _die)
                with pytest.raises(SystemExit):
                    first.node("kfp-1", "Pusher")

        before_its_lease(monkeypatch, push_and_die)
        result = second.node("kfp-2", "Pusher")
        assert result.nodes == {"Pusher": "cached"}
        assert second.versions.latest() == result.pushed

    def test_a_run_is_refused_where_a_container_does_what_it_would_do(
        self, config_file: Path
    ) -> None:
        container, run = Launches(config_file), Launches(config_file)
        container.edits["CorpusGen"] = lambda: run.run("run-1")
        with pytest.raises(LeaseHeldError, match="`gpt2-tfx node CorpusGen`, run kfp-1"):
            container.node("kfp-1", "CorpusGen")
        assert run.launched == []
        registered = run.store.run("run-1")
        assert registered is not None
        assert registered.properties["state"] == "failed"


class TestOneRunHasOneState:
    def test_a_node_is_not_tried_again_with_other_input(
        self, launches: Launches, tmp_path: Path
    ) -> None:
        launches.failing = {"CorpusGen"}
        with pytest.raises(NodeFailureError):
            launches.node("kfp-1", "CorpusGen")
        launches.failing = set()
        (tmp_path / "corpus" / "one.txt").write_text("Other prose.\n")
        with pytest.raises(InputError, match="kfp-1 began it with other input"):
            launches.node("kfp-1", "CorpusGen")
        assert launches.node("kfp-2", "CorpusGen").nodes == {"CorpusGen": "run"}

    def test_another_run_of_its_name_is_refused(self, launches: Launches) -> None:
        launches.node("nightly", "CorpusGen")
        with pytest.raises(InputError, match=r"nightly: .*training.steps: .* -> 9"):
            launches.node("nightly", "CorpusGen", "training.steps=9")
