"""What is said of a node that failed."""

from pathlib import Path

import pytest

from pipeline.commands.failure_report import last_lines, report_failure
from pipeline.node_process import NodeFailureError


def test_a_failure_comes_with_the_end_of_its_log_and_the_command_that_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = tmp_path / "Trainer.log"
    log.write_text("".join(f"line {number}\n" for number in range(100)))
    failure = NodeFailureError("Trainer", "ValueError: no", user_error=False, log=log)
    assert report_failure(failure, "gpt2-tfx run") == 1
    said = capsys.readouterr().err.splitlines()
    assert said[:2] == [
        "gpt2-tfx: Trainer: ValueError: no",
        f"gpt2-tfx: Trainer: its log, {log}, ends:",
    ]
    assert said[2:-1] == [f"gpt2-tfx: Trainer:   line {number}" for number in range(88, 100)]
    assert said[-1] == "gpt2-tfx: `gpt2-tfx run` goes on from there"


def test_a_mistake_of_the_user_comes_without_the_log(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    failure = NodeFailureError("CorpusGen", "a.txt: line 2\nmend it", user_error=True, log=tmp_path)
    assert report_failure(failure, "gpt2-tfx run") == 2
    assert capsys.readouterr().err.splitlines() == [
        "gpt2-tfx: CorpusGen: a.txt: line 2",
        "gpt2-tfx: CorpusGen: mend it",
        "gpt2-tfx: `gpt2-tfx run` goes on from there",
    ]


def test_of_a_long_log_only_its_end_is_read(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes(b"x" * 10_000 + "\n\N{SNOWMAN}\nend".encode())
    assert next(len(line) for line in last_lines(log, 3)) < 3000
    assert last_lines(log, 2) == ["\N{SNOWMAN}", "end"]
    assert "cannot be read" in last_lines(tmp_path / "absent", 2)[0]
