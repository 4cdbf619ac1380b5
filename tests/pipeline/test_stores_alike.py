"""SQLite, PostgreSQL and MariaDB give the same answers; two pipelines write into one server at once."""

import json
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from pipeline import cli
from pipeline.lineage.export import FORMATS
from pipeline.store import Store
from preprocessing.base.errors import InputError
from tests.mariadb import MariaDB
from tests.pipeline.five_models import five_models
from tests.pipeline.launches import Launches

# What no two runs have in common: times, and what is made of them.
_TIMES = frozenset({"seconds", "finished", "since", "until", "pushed", "collected"})
_TIME = re.compile(r"\d{4}-\d\d-\d\d(T[\d:.]+Z)?|(?<=\"seconds\": )[\d.e-]+")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def without_times(value: Any) -> Any:
    """A JSON value without times."""
    if isinstance(value, dict):
        return {name: without_times(v) for name, v in value.items() if name not in _TIMES}
    if isinstance(value, list):
        return [without_times(each) for each in value]
    return _UUID.sub("UUID", _TIME.sub("TIME", value)) if isinstance(value, str) else value


def answers(folder: Path, capsys: pytest.CaptureFixture[str], url: str | None) -> dict[str, Any]:
    """Every question about the history of five models -> the answer."""
    versions = five_models(folder, url)
    less, first = versions["less"], versions["first"]
    config = ["--config", str(folder / "pipeline.yaml"), "lineage"]
    questions = [
        ["list"],
        *(["show", version] for version in versions.values()),
        ["trace", "d"],
        ["trace", 'e"\\ é'],
        ["trace", "never"],
        ["diff", first, less],
        ["diff", first, versions["longer"]],
        ["verify", less],
    ]
    found: dict[str, Any] = {"versions": versions}
    capsys.readouterr()
    for question in questions:
        status = cli.main([*config, *question, "--json"])
        text = capsys.readouterr().out.replace(str(folder), "")
        found[" ".join(question)] = status, without_times(json.loads(text))
    for name in FORMATS:
        assert cli.main([*config, "export", less, "--format", name]) == 0
        found[name] = without_times(capsys.readouterr().out)
    return found


@pytest.mark.long
@pytest.mark.parametrize("store", ["postgresql", "mariadb"])
def test_a_server_answers_as_sqlite_does(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    store: str,
) -> None:
    found = []
    for name, url in (("sqlite", None), (store, request.getfixturevalue(store))):
        (tmp_path / name).mkdir()
        found.append(answers(tmp_path / name, capsys, url))
    for question, answer in found[0].items():
        assert answer == found[1][question], question
    assert found[0]["trace d"][1]["models"]


# Runs of a pipeline of its own: each makes a model that no other has made.
PROGRAM = """
import sys
import time
from pathlib import Path
from tests.pipeline.launches import Launches

folder, name = Path(sys.argv[1]), sys.argv[2]
launches = Launches(folder / "pipeline.yaml")
for number in range(5):
    launches.results = {"CorpusGen": f"{name} {number}", "Trainer": f"{name} {number}"}
    launches.run(f"run-{number}", None, f"seed={number}")
"""


@pytest.mark.long
@pytest.mark.parametrize("store", ["postgresql", "mariadb"])
def test_two_pipelines_write_into_one_server_at_once(
    request: pytest.FixtureRequest, tmp_path: Path, root: Path, store: str
) -> None:
    """Runs of the same names, whose nodes have the same keys, into an empty database."""
    url = request.getfixturevalue(store)
    folders = [tmp_path / name for name in ("one", "two")]
    processes = []
    for folder in folders:
        (folder / "corpus").mkdir(parents=True)
        (folder / "corpus" / "a.txt").write_text("Some prose.\n")
        (folder / "pipeline.yaml").write_text(
            f"corpus:\n  task: text\n  path: corpus\nstore: {url}\n"
        )
        command = [sys.executable, "-c", PROGRAM, str(folder), folder.name]
        processes.append(subprocess.Popen(command, cwd=root, stderr=subprocess.PIPE, text=True))
    for process in processes:
        _, said = process.communicate(timeout=300)
        assert process.returncode == 0, said
    for folder in folders:
        launches = Launches(folder / "pipeline.yaml")
        runs = launches.store.runs()
        assert [run.run_id for run in runs] == [f"run-{number}" for number in reversed(range(5))]
        assert {run.properties["state"] for run in runs} == {"complete"}
        versions = launches.versions.names()
        assert len(versions) == 5
        for number, version in enumerate(versions):
            weights = (launches.versions.path(version) / "weights").read_text()
            assert weights == f"{folder.name} {number}"
            config = ["--config", str(launches.config_file)]
            assert cli.main([*config, "lineage", "verify", version]) == 0


@pytest.mark.long
@pytest.mark.parametrize("store", ["postgresql", "mariadb"])
def test_an_empty_database_is_opened_by_many_at_once(
    request: pytest.FixtureRequest, tmp_path: Path, root: Path, store: str
) -> None:
    """Whoever comes second sees half of the tables."""
    database = request.getfixturevalue(f"{store}_server")
    request.getfixturevalue(store)
    program = (
        "import sys, time; from pathlib import Path; from pipeline.store import Store; "
        "time.sleep(max(0.0, float(sys.argv[3]) - time.time())); "
        "Store('gpt2', sys.argv[1], Path(sys.argv[2])).start_run('run', {'pipeline': 'gpt2'})"
    )
    for number in range(4):
        url, at = database.new_database(), time.time() + 4
        processes = [
            subprocess.Popen(
                [
                    *(sys.executable, "-c", program, url),
                    *(str(tmp_path / f"{number}-{each}"), str(at + each * 0.004)),
                ],
                cwd=root,
                stderr=subprocess.PIPE,
                text=True,
            )
            for each in range(4)
        ]
        for process in processes:
            _, said = process.communicate(timeout=60)
            assert process.returncode == 0, said


@pytest.mark.parametrize("charset", ["utf8mb4", "latin1"])
def test_a_mariadb_that_takes_capitals_for_small_letters_is_refused(
    mariadb: str, mariadb_server: MariaDB, tmp_path: Path, charset: str
) -> None:
    url = mariadb_server.new_database(charset)
    with pytest.raises(InputError, match="COLLATE utf8mb4_nopad_bin"):
        Store("gpt2", url, tmp_path)
    assert Store("gpt2", mariadb, tmp_path).runs() == []
