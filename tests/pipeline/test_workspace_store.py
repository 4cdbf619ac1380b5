"""The connection: relative paths, long texts, links to contexts, and errors; on SQLite, PostgreSQL and MariaDB."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from ml_metadata.proto import metadata_store_pb2 as pb

from pipeline.leases import Leases
from pipeline.process_identity import ProcessIdentity
from pipeline.store import Store, StoreReader
from pipeline.store.names import RUN
from pipeline.store.workspace_store import LONGEST_PROPERTY
from preprocessing.base.errors import FailureError
from tests.pipeline.tfx_records import TfxRecords

Open = Callable[[str], Store]


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Open:
    """Opens the store from a workspace of a name: all from one database."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'shared.sqlite'}"
    else:
        url = request.getfixturevalue(request.param)
    return lambda name: Store("gpt2", url, tmp_path / name)


def put_artifact(store: Store, uri: str, **properties: str) -> int:
    mlmd = store.connect()
    artifact = pb.Artifact(
        type_id=mlmd.put_artifact_type(pb.ArtifactType(name="Model")), uri=uri, name=uri
    )
    for name, value in properties.items():
        artifact.custom_properties[name].string_value = value
    (made,) = mlmd.put_artifacts([artifact])
    return made


def test_paths_in_the_workspace_follow_it_and_others_stay(opened: Open, tmp_path: Path) -> None:
    here = f"{tmp_path}/a/artifacts/Trainer/model/1"
    made = put_artifact(opened("a"), here, pushed_destination=f"{tmp_path}/a/serving/7")
    foreign = put_artifact(opened("a"), f"{tmp_path}/models/124M")
    (inside,) = opened("a").connect().get_artifacts_by_id([made])
    assert inside.uri == here
    found = opened("b").connect().get_artifacts_by_id([made, foreign])
    inside, outside = sorted(found, key=lambda artifact: artifact.id)
    assert inside.uri == f"{tmp_path}/b/artifacts/Trainer/model/1"
    assert inside.custom_properties["pushed_destination"].string_value == f"{tmp_path}/b/serving/7"
    assert outside.uri == f"{tmp_path}/models/124M"
    (by_uri,) = opened("b").connect().get_artifacts_by_uri(inside.uri)
    assert by_uri.id == made


@pytest.mark.parametrize(
    "text",
    [
        "x" * LONGEST_PROPERTY,
        "y" * 10_000,
        "\u00e4" * LONGEST_PROPERTY,
        "gpt2-tfx value sha256:" + "0" * 64,
        "",
    ],
)
def test_a_text_of_any_length_comes_back(opened: Open, text: str) -> None:
    made = put_artifact(opened("a"), "artifacts/1", text=text)
    (artifact,) = opened("a").connect().get_artifacts_by_id([made])
    assert artifact.custom_properties["text"].string_value == text


def test_linking_an_execution_to_a_run_undoes_nothing_noted_of_it_meanwhile(opened: Open) -> None:
    store = opened("a")
    store.start_run("run-1", {"pipeline": "gpt2"})
    mlmd = store.connect()
    read_before = mlmd.get_context_by_type_and_name(RUN, store.names.of_run("run-1"))
    store.update_run("run-1", {"state": "complete", "lease:Trainer": "k"})
    type_id = mlmd.put_execution_type(pb.ExecutionType(name="Trainer"))
    mlmd.put_execution(pb.Execution(type_id=type_id), [], [read_before])
    run = store.run("run-1")
    assert run is not None
    assert run.properties["state"] == "complete"
    assert run.properties["lease:Trainer"] == "k"
    assert len(store.executions_of_run("run-1")) == 1


def test_a_record_and_the_next_generation_are_written_together_or_not_at_all(opened: Open) -> None:
    store = opened("a")
    store.start_run("run-1", {"pipeline": "gpt2"})
    elsewhere = ProcessIdentity("pod", "boot", 1, "1")
    Leases(store, "run-1", elsewhere).acquire("node", wait=False, say=print)
    execution = TfxRecords(store).start("Trainer", "run-1", "k")
    following = store.take_lease("node", 2, {"run": "other"})
    assert following is not None
    assert store.take_lease("node", 2, {"run": "third"}) is None
    assert not store.record_success(execution, {"node_key": "k"}, {}, following)
    assert store.execution(execution).key == ""


def test_an_error_of_an_open_store_is_one_line(opened: Open) -> None:
    store = opened("a")
    with pytest.raises(FailureError) as caught:
        store.connect().put_contexts([pb.Context(type_id=store._context_type(RUN), name="")])
    assert "store: the metadata store at " in str(caught.value)
    assert "only-for-this-test" not in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


_HOLDER = (
    "import sqlite3, sys, time\n"
    "database = sqlite3.connect(sys.argv[1])\n"
    "database.execute('BEGIN EXCLUSIVE')\n"
    "print('held', flush=True)\n"
    "time.sleep(600)\n"
)


@pytest.mark.long
def test_a_file_that_another_process_keeps_locked_is_a_failure_that_says_so(tmp_path: Path) -> None:
    store = Store("gpt2", None, tmp_path)
    file = tmp_path / "metadata.sqlite"
    command = [sys.executable, "-c", _HOLDER, str(file)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        try:
            for use in (store.runs, lambda: StoreReader("gpt2", None, tmp_path)):
                with pytest.raises(FailureError, match=f"{file} is kept locked by another process"):
                    use()
        finally:
            holder.kill()
    assert store.runs() == []
