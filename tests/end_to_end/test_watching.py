"""`run --watch` on real runs: one for many saves, none for what a run writes, and a good end in the middle of one."""

import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.end_to_end.project import Project


@pytest.mark.long
def test_saves_make_one_run_mistakes_end_nothing_and_ctrl_c_ends_what_runs(tmp_path: Path) -> None:
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    (corpus / "one.txt").write_text("Some prose of the harbour.\n" * 200)
    project = Project(tmp_path, {"corpus": {"task": "text", "path": "corpus"}})
    log = tmp_path / "stderr.txt"

    def said(text: str, times: int = 1) -> Callable[[], bool]:
        return lambda: log.read_text().count(text) >= times

    with log.open("w") as stream:
        command = project.command("run", "--watch", "--to", "Tokenizer")
        watch = subprocess.Popen(
            command, cwd=project.code, stderr=stream, stdout=subprocess.DEVNULL
        )
        _wait_for(said("Tokenizer         done"), watch)
        for number in range(100):
            (corpus / "two.txt").write_text(f"Other prose, {number}.\n" * 100)
            time.sleep(0.01)
        _wait_for(said("Tokenizer         done", 2), watch)
        good = (tmp_path / "pipeline.yaml").read_text()
        (tmp_path / "pipeline.yaml").write_text(good + "traning: {}\n")
        _wait_for(said("traning: unknown key"), watch)
        (tmp_path / "pipeline.yaml").write_text(good)
        # Time for another run, if what the runs have written, or a file that is as it was, made one.
        time.sleep(10)
        assert log.read_text().count("CorpusGen         running") == 2
        (corpus / "two.txt").write_text("Once more.\n" * 100)
        _wait_for(said("CorpusGen         running", 3), watch)
        watch.send_signal(signal.SIGINT)
        assert watch.wait(60) == 0
    lines = log.read_text().splitlines()
    assert lines[-1] == "gpt2-tfx: interrupted"
    assert "Traceback" not in log.read_text()
    runs = project.json("status")["runs"]
    assert [run["state"] for run in runs] == ["abandoned", "complete", "complete"]


def _wait_for(condition: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 180
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        assert process.poll() is None, "the watch ended by itself"
        time.sleep(0.2)
