"""What somebody does to the rows of the store afterwards is found, whoever does it, and is named."""

import os
import random
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from pipeline import lineage
from pipeline.config_reading import load_config
from pipeline.lineage.rows import altered_events
from pipeline.manifests import content_root
from pipeline.store import Store, StoredEvent, StoreReader
from preprocessing.base.job_cache import JobCache
from tests.pipeline.launches import Launches
from tests.pipeline.tfx_records import TfxRecords


def found(folder: Path, version: str) -> list[str]:
    """What `verify` says of a version in words: where, without what was expected."""
    loaded = load_config(folder / "pipeline.yaml", ())
    store = StoreReader(loaded.config.name, loaded.config.store, loaded.workspace)
    pushed = lineage.pushed_artifact(store, version)
    with closing(JobCache(loaded.workspace).open_digests(writes=False)) as digests:
        return [each.path for each in lineage.verify(loaded, store, digests, pushed).mismatches]


@dataclass(frozen=True)
class History:
    """A copy of the folder of five models, the version of the fourth, and the store as a database.

    nodes: node -> its execution behind that version.
    """

    folder: Path
    version: str
    database: sqlite3.Connection
    nodes: Mapping[str, int]

    def edit(self, statement: str, *values: object) -> int:
        """Execute a statement; returns how many rows it changed."""
        with self.database:
            return self.database.execute(statement, values).rowcount

    def ask(self, statement: str, *values: object) -> int:
        """The number that a statement finds first."""
        return int(self.database.execute(statement, values).fetchone()[0])

    def set_text(self, execution: int, name: str, text: str) -> None:
        """Change a property of an execution."""
        statement = (
            "UPDATE ExecutionProperty SET string_value = ? WHERE execution_id = ? AND name = ?"
        )
        assert self.edit(statement, text, execution, name) == 1

    def remove(self, execution: int) -> None:
        """Take a row out, with everything that says it was there."""
        for table in ("ExecutionProperty", "Event", "Association"):
            self.edit(f"DELETE FROM {table} WHERE execution_id = ?", execution)
        assert self.edit("DELETE FROM Execution WHERE id = ?", execution) == 1

    def copy(self, execution: int) -> int:
        """Put another row in of the same kind, COMPLETE."""
        return int(
            self.database.execute(
                "INSERT INTO Execution (type_id, last_known_state, create_time_since_epoch, "
                "last_update_time_since_epoch) SELECT type_id, 3, 0, 0 FROM Execution WHERE id = ?",
                [execution],
            ).lastrowid
            or 0
        )

    def event(self, kind: str) -> int:
        """The newest event of serving of a kind."""
        statement = (
            "SELECT execution_id FROM ExecutionProperty WHERE name = 'kind' AND string_value = ? "
            "ORDER BY execution_id DESC"
        )
        return self.ask(statement, kind)


@pytest.fixture
def history(five_models_folder: tuple[Path, dict[str, str]], tmp_path: Path) -> Iterator[History]:
    source, versions = five_models_folder
    folder, version = tmp_path / "copy", versions["less"]
    shutil.copytree(source, folder, symlinks=True)
    loaded = load_config(folder / "pipeline.yaml", ())
    store = StoreReader(loaded.config.name, loaded.config.store, loaded.workspace)
    pushed = lineage.pushed_artifact(store, version)
    behind = lineage.executions_behind(store, {"pushed_model": pushed})
    nodes = {execution.node: execution.id for execution in behind}
    with closing(sqlite3.connect(loaded.workspace / "metadata.sqlite")) as database:
        yield History(folder, version, database, nodes)


def a_parameter(history: History) -> str:
    history.set_text(history.nodes["Trainer"], "ingredient:parameters:seed", "7")
    return "(Trainer)"


def the_commit(history: History) -> str:
    history.set_text(history.nodes["CorpusGen"], "git_commit", "0" * 40)
    return "(CorpusGen)"


def a_time(history: History) -> str:
    statement = "UPDATE ExecutionProperty SET double_value = 1.5 WHERE execution_id = ? AND name = 'finished'"
    assert history.edit(statement, history.nodes["Evaluator"]) == 1
    return "(Evaluator)"


def an_output_s_digest(history: History) -> str:
    statement = (
        "UPDATE ArtifactProperty SET string_value = 'x' WHERE name = 'digest' AND artifact_id IN "
        "(SELECT artifact_id FROM Event WHERE execution_id = ? AND type = 4)"
    )
    assert history.edit(statement, history.nodes["Tokenizer"])
    return "(Tokenizer)"


def a_score(history: History) -> str:
    statement = (
        "UPDATE ArtifactProperty SET string_value = '{\"rougeL\": 1}' WHERE name = 'metrics' "
        "AND artifact_id IN (SELECT artifact_id FROM Event WHERE execution_id = ? AND type = 4)"
    )
    assert history.edit(statement, history.nodes["Evaluator"])
    return "(Evaluator)"


def an_input_of_another_model(history: History) -> str:
    trainer = history.nodes["Trainer"]
    other = history.ask(
        "SELECT artifact_id FROM Event JOIN EventPath p ON p.event_id = Event.id "
        "JOIN ExecutionProperty e USING (execution_id) WHERE type = 3 AND p.step_key = 'examples' "
        "AND e.name = 'node' AND e.string_value = 'Trainer' AND execution_id < ?",
        trainer,
    )
    statement = (
        "UPDATE Event SET artifact_id = ? WHERE execution_id = ? AND type = 3 AND id IN "
        "(SELECT event_id FROM EventPath WHERE step_key = 'examples')"
    )
    assert history.edit(statement, other, trainer) == 1
    return "(Trainer)"


def an_input_left_out(history: History) -> str:
    statement = (
        "DELETE FROM Event WHERE execution_id = ? AND type = 3 AND id IN "
        "(SELECT event_id FROM EventPath WHERE step_key = 'champion')"
    )
    assert history.edit(statement, history.nodes["Evaluator"]) == 1
    return "(Evaluator)"


def a_digest_with_its_row(history: History) -> str:
    """Whoever changes a row and its digest has to change what was made of it as well."""
    history.set_text(history.nodes["CorpusGen"], "record_digest", "0" * 64)
    return "(Tokenizer)"


def a_row_taken_out(history: History) -> str:
    history.remove(history.nodes["CorpusGen"])
    return "(Tokenizer)"


def a_row_put_in(history: History) -> str:
    """Another execution that is said to have made the model."""
    trainer = history.nodes["Trainer"]
    model = history.ask(
        "SELECT artifact_id FROM Event WHERE execution_id = ? AND type = 4", trainer
    )
    history.edit(
        "INSERT INTO Event (artifact_id, execution_id, type, milliseconds_since_epoch) VALUES (?, ?, 4, 0)",
        model,
        history.copy(trainer),
    )
    return "what made artifact"


def the_pusher_taken_out(history: History) -> str:
    history.remove(history.nodes["Pusher"])
    return "what made"


def a_rollback_taken_out(history: History) -> str:
    """Of the last event none says that it was there, so another came after it."""
    Store("gpt2-tfx", None, history.folder / "workspace").record_collection([], {})
    rollback = history.event("rollback")
    number = history.ask(
        "SELECT int_value FROM ExecutionProperty WHERE execution_id = ? AND name = 'number'",
        rollback,
    )
    history.remove(rollback)
    return f"event {number}"


def a_promotion_that_is_said_not_to_have_happened(history: History) -> str:
    statement = "UPDATE Execution SET last_known_state = 6 WHERE id = ?"
    assert history.edit(statement, history.event("promote")) == 1
    return "(promote), its state"


def the_cause_of_a_rollback(history: History) -> str:
    history.set_text(history.event("rollback"), "cause", "somebody else")
    return "(rollback)"


def an_event_put_in_between(history: History) -> str:
    """A second rollback, with the properties and contexts of the first."""
    rollback = history.event("rollback")
    new = history.copy(rollback)
    values = ", ".join(f"{kind}_value" for kind in ("int", "double", "string", "bool", "proto"))
    columns = f"name, is_custom_property, {values}"
    history.edit(
        f"INSERT INTO ExecutionProperty (execution_id, {columns}) SELECT ?, {columns} "
        "FROM ExecutionProperty WHERE execution_id = ?",
        new,
        rollback,
    )
    history.edit(
        "INSERT INTO Association (context_id, execution_id) SELECT context_id, ? FROM Association "
        "JOIN Context c ON c.id = context_id WHERE execution_id = ? AND c.name NOT LIKE '%journal%'",
        new,
        rollback,
    )
    return f"execution {new} "


EDITS = [
    a_parameter,
    the_commit,
    a_time,
    an_output_s_digest,
    a_score,
    an_input_of_another_model,
    an_input_left_out,
    a_digest_with_its_row,
    a_row_taken_out,
    a_row_put_in,
    the_pusher_taken_out,
    a_rollback_taken_out,
    a_promotion_that_is_said_not_to_have_happened,
    the_cause_of_a_rollback,
    an_event_put_in_between,
]


@pytest.mark.parametrize("edit", EDITS, ids=lambda edit: edit.__name__)
def test_an_edit_of_the_rows_is_named(edit: Callable[[History], str], history: History) -> None:
    where = edit(history)
    said = found(history.folder, history.version)
    assert any(where in each for each in said), said


def test_nothing_is_said_of_a_store_that_nobody_edited(history: History) -> None:
    assert found(history.folder, history.version) == []


def test_a_text_that_is_kept_as_a_file_counts_too(tmp_path: Path) -> None:
    store = Store("gpt2", None, tmp_path)
    store.start_run("run-1", {"pipeline": "gpt2"})
    records = TfxRecords(store)
    known = records.start("Trainer", "run-1", "k")
    store.record_success(known, {"node": "Trainer", "node_key": "k", "reason": "x" * 3000}, {})
    execution = store.execution(known)
    assert store.record_digest(execution) == execution.record_digest
    (value,) = (tmp_path / "values").iterdir()
    value.write_text("y")
    assert store.record_digest(store.execution(known)) != execution.record_digest


def test_a_row_is_the_same_from_another_workspace_of_the_store(tmp_path: Path) -> None:
    """A long text lies in the workspace that wrote it; what another has reused of it is no edit."""
    url = f"sqlite:///{tmp_path}/shared.sqlite"
    store = Store("gpt2", url, tmp_path / "one")
    store.start_run("run-1", {"pipeline": "gpt2"})
    known = TfxRecords(store).start("Trainer", "run-1", "k")
    store.record_success(known, {"node": "Trainer", "node_key": "k", "reason": "x" * 3000}, {})
    other = Store("gpt2", url, tmp_path / "two")
    execution = other.execution(known)
    assert execution.properties["reason"] != "x" * 3000
    assert other.record_digest(execution) == execution.record_digest


@pytest.mark.long
def test_a_byte_in_any_of_fifty_places_is_found_and_its_file_named(history: History) -> None:
    """Over outputs of every node, their manifests, the corpus and the pushed version."""
    loaded = load_config(history.folder / "pipeline.yaml", ())
    store = StoreReader(loaded.config.name, loaded.config.store, loaded.workspace)
    executions = [store.execution(number) for number in history.nodes.values()]
    artifacts = [artifact for each in executions for artifact in each.outputs.values()]
    files = [history.folder / "corpus" / "one.txt"]
    files += [loaded.workspace / "manifests" / f"{a.manifest_digest}.json" for a in artifacts]
    files += [path for a in artifacts for path in content_root(a).rglob("*") if path.is_file()]
    dice, flipped = random.Random(2), set()
    while len(flipped) < 50:
        path = files[len(flipped) % len(files)]
        before, stat = path.read_bytes(), path.stat()
        at = dice.randrange(len(before))
        if (path, at) in flipped:
            continue
        flipped.add((path, at))
        path.write_bytes(
            before[:at] + bytes([before[at] ^ 1 << dice.randrange(8)]) + before[at + 1 :]
        )
        os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
        # A manifest is of several artifacts where they have the same files.
        assert set(found(history.folder, history.version)) == {str(path)}
        path.write_bytes(before)
    assert {path for path, _ in flipped} == set(files)


class TestTheJournal:
    def test_of_two_writers_one_comes_after_the_other(self, launches: Launches) -> None:
        """Both see the same last event; the slower one finds its place taken."""
        launches.run("run-1")
        one, other = launches.store, launches.new("unused-2").store
        seen = next(iter(one.journal()))
        genuine, asked = other.journal, []

        def late() -> Iterator[StoredEvent]:
            found = genuine()
            if not asked:
                asked.append(True)
                found = iter(list(found))
                one.record_collection([], {"said": "by the first"})
            return found

        other.journal = late  # type: ignore[method-assign]
        other.record_collection([], {"said": "by the second"})
        last, before, *_ = genuine()
        assert (last.number, before.number) == (seen.number + 2, seen.number + 1)
        assert last.properties["after"] == before.record_digest
        assert (before.properties["said"], last.properties["said"]) == (
            "by the first",
            "by the second",
        )
        assert list(altered_events(one)) == []

    def test_is_of_the_own_workspace_in_a_store_of_several(self, tmp_path: Path) -> None:
        url = f"sqlite:///{tmp_path}/shared.sqlite"
        stores = [Store("gpt2", url, tmp_path / name) for name in ("one", "two")]
        for _ in range(2):
            for store in stores:
                store.record_collection([], {})
        for store in stores:
            assert [event.number for event in store.journal()] == [2, 1]
            assert list(altered_events(store)) == []

    def test_events_from_before_there_was_one_are_no_fault(
        self, launches: Launches, tmp_path: Path
    ) -> None:
        launches.run("run-1")
        with sqlite3.connect(launches.config_file.parent / "workspace/metadata.sqlite") as database:
            database.execute("DELETE FROM Context WHERE name LIKE '%journal%'")
        assert list(altered_events(launches.store)) == []
        launches.store.record_collection([], {})
        assert list(altered_events(launches.store)) == []

    def test_an_event_that_was_open_when_the_next_came_may_be_settled_later(
        self, launches: Launches
    ) -> None:
        launches.run("run-1")
        store = launches.store
        event = store.begin_serving_event("release", None, "1", "1", "a process that died")
        store.record_collection([], {})
        store.settle_serving_event(event, True)
        assert list(altered_events(store)) == []
