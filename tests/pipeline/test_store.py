import sqlite3
from pathlib import Path

import pytest
from ml_metadata.proto import metadata_store_pb2 as pb

from pipeline.store import Store, StoredExecution, StoreReader, connection_config
from pipeline.store.names import NODE, PIPELINE, RUN
from preprocessing.base.errors import FailureError, InputError
from tests.pipeline.tfx_records import TfxRecords, complete


def find(store: Store, node: str, key: str) -> StoredExecution | None:
    return next(store.under_key(node, key), None)


OUTPUTS = {"examples": ("Examples", "/a/CorpusGen/examples/1"), "index": ("RecordIndex", "/a/i/1")}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    made = Store("gpt2", None, tmp_path)
    made.start_run("run-1", {"pipeline": "gpt2", "config": "{}"})
    return made


@pytest.fixture
def records(store: Store) -> TfxRecords:
    return TfxRecords(store)


class TestFinding:
    def test_a_recorded_execution_is_found_by_node_and_key_with_its_outputs(
        self, store: Store
    ) -> None:
        execution_id, artifacts = complete(store, "CorpusGen", "k1", "run-1", OUTPUTS, digest="x")
        found = find(store, "CorpusGen", "k1")
        assert found is not None
        assert (found.id, found.node, found.state, found.key) == (
            execution_id,
            "CorpusGen",
            "COMPLETE",
            "k1",
        )
        assert found.seconds == 2.5
        assert found.ingredients["code"] == {"a.py": "c"}
        examples = found.outputs["examples"]
        assert set(found.outputs) == {"examples", "index"}
        assert (examples.id, examples.type, examples.uri) == (
            artifacts["examples"],
            "Examples",
            "/a/CorpusGen/examples/1",
        )
        assert (examples.digest, examples.manifest_digest) == ("x", "m-x")

    def test_inputs_are_read_by_their_keys(self, store: Store) -> None:
        _, made = complete(store, "CorpusGen", "k1", "run-1", OUTPUTS)
        inputs = {"examples": made["examples"]}
        complete(store, "Tokenizer", "k2", "run-1", {"tokens": ("Examples", "/t")}, inputs)
        found = find(store, "Tokenizer", "k2")
        assert found is not None
        assert {key: artifact.id for key, artifact in found.inputs.items()} == inputs

    def test_another_key_or_node_finds_nothing(self, store: Store) -> None:
        complete(store, "CorpusGen", "k1", "run-1", OUTPUTS)
        assert find(store, "CorpusGen", "k2") is None
        assert find(store, "Tokenizer", "k1") is None

    def test_of_two_under_a_key_the_newest_is_found(self, store: Store) -> None:
        complete(store, "CorpusGen", "k1", "run-1", OUTPUTS)
        second, _ = complete(store, "CorpusGen", "k1", "run-2", OUTPUTS)
        found = find(store, "CorpusGen", "k1")
        assert found is not None
        assert found.id == second

    def test_what_died_before_it_was_recorded_is_not_found(
        self, store: Store, records: TfxRecords
    ) -> None:
        records.publish(records.start("CorpusGen", "run-1", "k1"), OUTPUTS)
        assert find(store, "CorpusGen", "k1") is None
        assert list(store.history("CorpusGen")) == []

    @pytest.mark.parametrize("fails", [True, False])
    def test_what_failed_or_runs_is_not_found(
        self, store: Store, records: TfxRecords, fails: bool
    ) -> None:
        execution = records.start("CorpusGen", "run-1", "k1")
        if fails:
            records.fail(execution)
        assert find(store, "CorpusGen", "k1") is None

    def test_an_unknown_node_has_no_history_and_no_state(self, store: Store) -> None:
        assert list(store.history("Trainer")) == []
        assert store.last_state("Trainer") is None

    def test_history_is_newest_first_across_keys_and_runs(self, store: Store) -> None:
        made = [
            complete(store, "CorpusGen", key, run, OUTPUTS)[0]
            for key, run in (("k1", "run-1"), ("k2", "run-1"), ("k1", "run-2"))
        ]
        assert [execution.id for execution in store.history("CorpusGen")] == made[::-1]

    def test_history_is_of_the_own_pipeline(self, store: Store, tmp_path: Path) -> None:
        complete(store, "CorpusGen", "k1", "run-1", OUTPUTS)
        assert list(Store("other", None, tmp_path).history("CorpusGen")) == []

    def test_the_last_state_is_of_the_newest_execution(
        self, store: Store, records: TfxRecords
    ) -> None:
        complete(store, "CorpusGen", "k1", "run-1", OUTPUTS)
        assert store.last_state("CorpusGen") == "COMPLETE"
        execution = records.start("CorpusGen", "run-2", "k2")
        assert store.last_state("CorpusGen") == "RUNNING"
        records.fail(execution)
        assert store.last_state("CorpusGen") == "FAILED"


class TestReuse:
    def test_is_written_as_a_cached_execution_with_events_and_contexts(
        self, store: Store, records: TfxRecords
    ) -> None:
        _, corpus = complete(store, "CorpusGen", "k1", "run-1", OUTPUTS)
        source_id, tokens = complete(
            store,
            "Tokenizer",
            "k2",
            "run-1",
            {"tokens": ("Examples", "/t")},
            {"examples": corpus["examples"]},
        )
        store.start_run("run-2", {"pipeline": "gpt2"})
        source = find(store, "Tokenizer", "k2")
        assert source is not None
        store.write_cached("run-2", source, {"seconds": 0.01})

        (cached,) = store.executions_of_run("run-2")
        assert (cached.node, cached.state, cached.key) == ("Tokenizer", "CACHED", "k2")
        assert cached.properties["reuses"] == source_id
        assert cached.seconds == 0.01
        assert cached.inputs == source.inputs
        assert cached.outputs == source.outputs
        events = records.mlmd.get_events_by_execution_ids([cached.id])
        assert {(event.type, event.artifact_id) for event in events} == {
            (pb.Event.INPUT, corpus["examples"]),
            (pb.Event.OUTPUT, tokens["tokens"]),
        }
        contexts = records.mlmd.get_contexts_by_execution(cached.id)
        assert {(context.type, context.name) for context in contexts} == {
            (PIPELINE, store.names.of_pipeline),
            (RUN, store.names.of_run("run-2")),
            (NODE, store.names.of_node("Tokenizer")),
        }

    def test_is_not_found_as_something_to_reuse(self, store: Store) -> None:
        source_id, _ = complete(store, "CorpusGen", "k1", "run-1", OUTPUTS)
        source = find(store, "CorpusGen", "k1")
        assert source is not None
        store.write_cached("run-1", source, {"seconds": 0.0})
        found = find(store, "CorpusGen", "k1")
        assert found is not None
        assert found.id == source_id
        assert [execution.id for execution in store.history("CorpusGen")] == [source_id]

    def test_does_not_make_an_execution_the_producer(self, store: Store) -> None:
        source_id, artifacts = complete(store, "CorpusGen", "k1", "run-1", OUTPUTS)
        source = find(store, "CorpusGen", "k1")
        assert source is not None
        for _ in range(3):
            store.write_cached("run-1", source, {"seconds": 0.0})
        producer = store.producer(artifacts["examples"])
        assert producer is not None
        assert (producer.id, producer.state) == (source_id, "COMPLETE")

    def test_by_a_pipeline_of_a_new_name_is_written_under_that_name(
        self, store: Store, tmp_path: Path
    ) -> None:
        complete(store, "CorpusGen", "k1", "run-1", OUTPUTS)
        renamed = Store("renamed", None, tmp_path)
        renamed.start_run("run-2", {"pipeline": "renamed"})
        source = find(renamed, "CorpusGen", "k1")
        assert source is not None
        renamed.write_cached("run-2", source, {"seconds": 0.0})
        assert [e.state for e in renamed.executions_of_run("run-2")] == ["CACHED"]
        assert renamed.last_state("CorpusGen") == "CACHED"


class TestArtifacts:
    def test_of_a_type_come_newest_first_over_all_pages(self, store: Store) -> None:
        ids = [
            complete(store, "CorpusGen", f"k{number}", "run-1", OUTPUTS)[1]["index"]
            for number in range(25)
        ]
        assert [artifact.id for artifact in store.artifacts("RecordIndex")] == ids[::-1]
        assert [execution.key for execution in store.history("CorpusGen")] == [
            f"k{number}" for number in reversed(range(25))
        ]

    def test_of_an_unknown_type_are_none(self, store: Store) -> None:
        assert list(store.artifacts("Nothing")) == []

    def test_without_a_complete_execution_have_no_producer(
        self, store: Store, records: TfxRecords
    ) -> None:
        execution = records.start("CorpusGen", "run-1", "k1")
        artifact = records.publish(execution, OUTPUTS)["index"]
        records.fail(execution)
        store.write_cached("run-1", store.execution(execution), {"seconds": 0.0})
        assert store.producer(artifact) is None


class TestUnfinishedExecutions:
    def test_are_those_that_run_and_those_that_nobody_recorded(
        self, store: Store, records: TfxRecords
    ) -> None:
        complete(store, "CorpusGen", "k1", "run-1", OUTPUTS)
        records.fail(records.start("StatisticsGen", "run-1", "k2"))
        running = records.start("Tokenizer", "run-1", "k3")
        unrecorded = records.start("Trainer", "run-1", "k4")
        records.publish(unrecorded, {"model": ("Model", "/m")})
        assert [e.id for e in store.unfinished("run-1")] == [running, unrecorded]

    def test_what_ended_by_an_error_is_failed_not_abandoned(
        self, store: Store, records: TfxRecords
    ) -> None:
        execution = records.start("Tokenizer", "run-1", "k")
        assert [e.id for e in store.unfinished("run-1")] == [execution]
        store.close_execution(execution, abandoned=False)
        assert store.last_state("Tokenizer") == "FAILED"
        assert store.unfinished("run-1") == []


class TestRuns:
    def test_a_run_starts_running_and_keeps_its_properties(self, store: Store) -> None:
        run = store.run("run-1")
        assert run is not None
        assert (run.run_id, run.properties["state"]) == ("run-1", "running")
        assert run.properties["config"] == "{}"
        assert float(run.properties["started"]) > 0

    def test_starting_it_again_joins_it(self, store: Store) -> None:
        store.update_run("run-1", {"config": "first"})
        joined = store.start_run("run-1", {"pipeline": "gpt2", "config": "second"})
        assert joined.properties["config"] == "first"

    def test_a_run_whose_context_tfx_made_first_is_joined(
        self, store: Store, records: TfxRecords
    ) -> None:
        records.start("CorpusGen", "run-of-tfx", "k")
        assert store.start_run("run-of-tfx", {"pipeline": "gpt2"}).run_id == "run-of-tfx"

    def test_two_writers_of_different_properties_keep_both(self, store: Store) -> None:
        store.update_run("run-1", {"lease:CorpusGen": "a"})
        store.update_run("run-1", {"lease:Trainer": "b"})
        run = store.run("run-1")
        assert run is not None
        assert run.properties["lease:CorpusGen"] == "a"
        assert run.properties["lease:Trainer"] == "b"
        assert run.properties["config"] == "{}"

    def test_what_a_run_launched_is_known_with_its_keys(
        self, store: Store, records: TfxRecords
    ) -> None:
        records.start("CorpusGen", "run-1", "k1")
        records.start("CorpusGen", "run-1", "k2")
        records.start("Tokenizer", "run-1", "k3")
        assert store.keys_begun("run-1") == {
            ("CorpusGen", "k1"),
            ("CorpusGen", "k2"),
            ("Tokenizer", "k3"),
        }
        assert store.keys_begun("run-2") == set()

    def test_are_listed_newest_first_up_to_a_limit_and_only_the_own(self, store: Store) -> None:
        for name, pipeline in (("run-2", "gpt2"), ("run-3", "other"), ("run-4", "gpt2")):
            store.start_run(name, {"pipeline": pipeline})
        assert [run.run_id for run in store.runs()] == ["run-4", "run-2", "run-1"]
        assert [run.run_id for run in store.runs(2)] == ["run-4", "run-2"]

    def test_a_fresh_store_has_none(self, tmp_path: Path) -> None:
        fresh = Store("gpt2", None, tmp_path / "fresh")
        assert fresh.runs() == []
        assert fresh.run("x") is None
        assert fresh.executions_of_run("x") == []

    def test_the_node_of_a_running_execution_is_known_from_its_context(
        self, store: Store, records: TfxRecords
    ) -> None:
        records.start("CorpusGen", "run-1", "k")
        (running,) = store.unfinished("run-1")
        assert running.node == "CorpusGen"


class TestConnections:
    def test_without_a_url_it_is_sqlite_in_the_workspace(self, tmp_path: Path) -> None:
        config = connection_config(None, tmp_path)
        assert config.sqlite.filename_uri == str(tmp_path / "metadata.sqlite")

    @pytest.mark.parametrize(
        ("url", "path"), [("sqlite:////x/m.db", "/x/m.db"), ("sqlite:///m.db", "{workspace}/m.db")]
    )
    def test_a_sqlite_url_is_absolute_or_starts_from_the_workspace(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str, path: str
    ) -> None:
        monkeypatch.setattr(Path, "mkdir", lambda *_, **__: None)
        config = connection_config(url, tmp_path)
        assert config.sqlite.filename_uri == path.format(workspace=tmp_path)

    def test_a_postgresql_url_is_taken_apart(self, tmp_path: Path) -> None:
        config = connection_config("postgresql://me:p%40ss@db.host:6543/meta", tmp_path).postgresql
        assert (config.host, config.port, config.user) == ("db.host", "6543", "me")
        assert (config.password, config.dbname) == ("p@ss", "meta")

    @pytest.mark.parametrize("scheme", ["mysql", "mariadb"])
    def test_a_mysql_url_is_taken_apart(self, tmp_path: Path, scheme: str) -> None:
        config = connection_config(f"{scheme}://me:secret@db/meta", tmp_path).mysql
        assert (config.host, config.port, config.user) == ("db", 3306, "me")
        assert (config.password, config.database) == ("secret", "meta")

    @pytest.mark.parametrize("written", ["$SECRET", "${SECRET}"])
    @pytest.mark.parametrize("secret", ["plain", "p@ss/w$rd:%40#?"])
    def test_a_password_comes_from_the_environment_as_it_is(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, written: str, secret: str
    ) -> None:
        monkeypatch.setenv("SECRET", secret)
        config = connection_config(f"postgresql://me:{written}@db/meta", tmp_path).postgresql
        assert (config.password, config.host, config.dbname) == (secret, "db", "meta")

    def test_an_unset_variable_is_named(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("SECRET", raising=False)
        with pytest.raises(InputError, match=r"\$SECRET, which is not set"):
            connection_config("mysql://me:$SECRET@db/meta", tmp_path)

    def test_a_port_that_is_no_number_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(InputError, match="port"):
            connection_config("mysql://me@db:abc/meta", tmp_path)

    @pytest.mark.parametrize("scheme", ["postgresql", "mariadb", "mysql"])
    @pytest.mark.parametrize(
        ("rest", "missing"),
        [("", "user"), ("db/meta", "user"), ("me@db", "database"), ("me@db/", "database")],
    )
    def test_a_url_without_user_or_database_is_refused(
        self, tmp_path: Path, scheme: str, rest: str, missing: str
    ) -> None:
        """ML Metadata would end the process."""
        with pytest.raises(
            InputError, match=rf"names no {missing}; write it as postgresql://user:"
        ):
            connection_config(f"{scheme}://{rest}", tmp_path)

    def test_a_file_that_is_no_database_is_refused_by_name(self, tmp_path: Path) -> None:
        (tmp_path / "metadata.sqlite").write_bytes(b"this is not SQLite" * 200)
        with pytest.raises(
            InputError, match=r"cannot open the metadata store at .*metadata\.sqlite"
        ):
            Store("gpt2", None, tmp_path)


class TestReadingOnly:
    def test_what_was_written_is_read_and_nothing_can_be_written(
        self, store: Store, tmp_path: Path
    ) -> None:
        reader = StoreReader("gpt2", None, tmp_path)
        assert [run.run_id for run in reader.runs()] == ["run-1"]
        store.start_run("run-2", {"pipeline": "gpt2"})
        assert [run.run_id for run in reader.runs()] == ["run-2", "run-1"]
        with pytest.raises(FailureError, match="readonly"):
            reader.connect().put_context_type(pb.ContextType(name="new"))

    @pytest.mark.parametrize("file", [None, b""])
    def test_a_store_that_is_not_there_is_empty_and_is_not_made(
        self, tmp_path: Path, file: bytes | None
    ) -> None:
        if file is not None:  # what is left of a process that died as it made the store
            (tmp_path / "metadata.sqlite").write_bytes(file)
        assert StoreReader("gpt2", None, tmp_path).runs() == []
        assert [p.stat().st_size for p in tmp_path.iterdir()] == ([] if file is None else [0])


def test_an_event_whose_artifact_was_not_written_is_looked_past(tmp_path: Path) -> None:
    """SQLite on a full disk rolls back what was written, and keeps what is written after that."""
    store = Store("gpt2", None, tmp_path)
    store.start_run("run-1", {"pipeline": "gpt2"})
    _, made = complete(store, "Node", "k", "run-1", {"out": ("Model", "/m")})
    with sqlite3.connect(tmp_path / "metadata.sqlite") as database:
        database.execute("DELETE FROM Artifact WHERE id = ?", (made["out"],))
    (execution,) = Store("gpt2", None, tmp_path).executions_of_run("run-1")
    assert execution.outputs == {}
