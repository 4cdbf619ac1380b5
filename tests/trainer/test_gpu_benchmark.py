"""`python -m benchmarks.gpu` in its small form, on whatever is here."""

import json
from pathlib import Path

import pytest

from benchmarks.gpu import __main__ as command
from benchmarks.gpu import process
from benchmarks.gpu.rows import ROWS, Row


def run(tmp_path: Path, *arguments: str) -> tuple[int, dict[str, dict[str, object]]]:
    results = tmp_path / "results.json"
    status = command.main(["--small", "--results", str(results), *arguments])
    return status, json.loads(results.read_text())["rows"]


@pytest.fixture
def tensorflow_as_it_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TF_USE_LEGACY_KERAS", "1")
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "2")


@pytest.mark.usefixtures("tensorflow_as_it_is_measured")
def test_the_numbers_of_a_device_are_those_of_the_processor(tmp_path: Path) -> None:
    status, rows = run(tmp_path, "--only", "correctness")
    assert status == 0
    assert rows["correctness"]["faults"] == ""
    assert rows["correctness"]["texts_equal"] == "12 of 12"
    assert rows["correctness"]["gradients_float32_plain"] > 0


@pytest.mark.long
@pytest.mark.usefixtures("tensorflow_as_it_is_measured")
def test_a_step_is_timed(tmp_path: Path) -> None:
    status, rows = run(tmp_path, "--only", "train_124M_summaries")
    assert status == 0
    assert rows["train_124M_summaries"]["tokens_per_s"] > 0


def test_a_row_that_fails_says_why_and_the_next_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [Row("device", "absent"), Row("next", "absent", torch=True), Row("long", "absent")]
    monkeypatch.setattr(command, "ROWS", rows)
    status, found = run(tmp_path)
    assert status == 1
    assert list(found) == ["device", "next", "long"]
    assert "No module named" in str(found["next"]["failed"])


def test_what_there_is_no_time_for_is_not_run(tmp_path: Path) -> None:
    _, rows = run(tmp_path, "--budget", "0")
    assert list(rows) == [row.name for row in ROWS]
    assert all(list(row) == ["not_run"] for row in rows.values())


def test_a_row_is_ended_at_its_limit(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    package = tmp_path / "benchmarks" / "gpu" / "programs"
    package.mkdir(parents=True)
    (package / "endless.py").write_text("while True: pass")
    monkeypatch.setattr(process, "_ROOT", tmp_path)
    monkeypatch.delenv("PYTHONPATH", raising=False)
    found = process.run_row(Row("endless", "endless"), "python3", 1.0, small=False)
    assert "ended after 1 s" in str(found["failed"])
